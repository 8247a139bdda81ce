/**
 * Parts that panels are made of.
 *
 * @module
 */
import type { ComponentChildren, TargetedInputEvent } from "preact";
import type { Signal } from "@preact/signals";

/** A number on a slider, with a field for exact values. */
export function Slider(
  { label, value, min, max, step, unit = "", onChange }: {
    label: string;
    value: number;
    min: number;
    max: number;
    step: number;
    unit?: string;
    onChange: (value: number) => void;
  },
) {
  const take = (event: TargetedInputEvent<HTMLInputElement>) => {
    const next = event.currentTarget.valueAsNumber;
    if (Number.isFinite(next)) onChange(next);
  };
  const shown = Number(value.toPrecision(6));
  return (
    <div class="slider">
      <span class="label" aria-hidden="true">{label}</span>
      <input
        type="range"
        aria-label={label}
        min={min}
        max={max}
        step={step}
        value={shown}
        onInput={take}
      />
      <input
        type="number"
        aria-label={`${label}, exact${unit ? `, ${unit}` : ""}`}
        step={step}
        value={shown}
        onChange={take}
      />
    </div>
  );
}

/** A switch. */
export function Check(
  { label, value, onChange }: {
    label: string;
    value: boolean | Signal<boolean>;
    onChange?: (value: boolean) => void;
  },
) {
  const isOn = typeof value === "boolean" ? value : value.value;
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isOn}
        onChange={(event) => {
          const next = event.currentTarget.checked;
          if (typeof value !== "boolean") value.value = next;
          onChange?.(next);
        }}
      />
      {label}
    </label>
  );
}

/** One of several. */
export function Choice<T extends string>(
  { label, value, choices, onChange }: {
    label: string;
    value: T;
    choices: readonly (readonly [value: T, title: string])[];
    onChange: (value: T) => void;
  },
) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as T)}
      >
        {choices.map(([each, title]) => (
          <option key={each} value={each}>{title}</option>
        ))}
      </select>
    </label>
  );
}

/** A part of a panel, with its title. */
export function Section(
  { title, children }: { title: string; children: ComponentChildren },
) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** A button that opens files. */
export function FileButton(
  { label, multiple = false, folder = false, accept, onFiles }: {
    label: string;
    multiple?: boolean;
    folder?: boolean;
    accept?: string;
    onFiles: (files: File[]) => void;
  },
) {
  const choose = () => {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = multiple;
    input.webkitdirectory = folder;
    if (accept) input.accept = accept;
    input.onchange = () => onFiles([...input.files ?? []]);
    input.click();
  };
  return <button type="button" onClick={choose}>{label}</button>;
}
