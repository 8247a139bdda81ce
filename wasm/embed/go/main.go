// Command embed segments a case with the core, in wazero. Run: go run .
package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const height, width = 224, 256

// settings are those of computeMasks; the core writes Facts (docs/abi.md).
type settings struct {
	Niter             int32
	CellprobThreshold float32
	FlowThreshold     float32
	MinSize           int32
	MaxSizeFraction   float32
	Flags             int32
	Facts             [5]int32
}

var defaults = settings{Niter: 200, FlowThreshold: 0.4, MinSize: 15, MaxSizeFraction: 0.4}

// core is one instance of the module and its memory.
type core struct {
	module api.Module
	memory api.Memory
}

func main() {
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	module, err := runtime.Instantiate(ctx, read("../../dist/core.wasm"))
	if err != nil {
		log.Fatal(err)
	}
	core := core{module, module.Memory()}

	masks, count, err := core.computeMasks(ctx, read("../case/flows.f32"), read("../case/cellprob.f32"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%x %d cells\n", sha256.Sum256(masks), count)
}

// computeMasks turns 2×H×W f32 flows (dY, dX) and H×W f32 cell probabilities
// (logit) into H×W u32 masks, all little-endian, and the number of cells.
func (c core) computeMasks(ctx context.Context, flows, cellprob []byte) ([]byte, int32, error) {
	start, err := c.call(ctx, "mark")
	if err != nil {
		return nil, 0, err
	}
	defer c.call(ctx, "release", start)

	const size = 4 * height * width
	masksAt, err := c.allocate(ctx, size)
	if err != nil {
		return nil, 0, err
	}
	flowsAt, err := c.put(ctx, flows)
	if err != nil {
		return nil, 0, err
	}
	cellprobAt, err := c.put(ctx, cellprob)
	if err != nil {
		return nil, 0, err
	}
	bytes, err := binary.Append(nil, binary.LittleEndian, defaults)
	if err != nil {
		return nil, 0, err
	}
	settingsAt, err := c.put(ctx, bytes)
	if err != nil {
		return nil, 0, err
	}
	// an image is a volume of depth 1
	count, err := c.call(ctx, "computeMasks", masksAt, flowsAt, cellprobAt, 1, height, width, settingsAt)
	if err != nil {
		return nil, 0, err
	}
	if int32(count) < 0 {
		return nil, 0, fmt.Errorf("computeMasks returned %d", int32(count))
	}
	masks := make([]byte, size)
	view, _ := c.memory.Read(masksAt, size)
	copy(masks, view)
	return masks, int32(count), nil
}

// put copies data into the module's memory.
func (c core) put(ctx context.Context, data []byte) (uint32, error) {
	at, err := c.allocate(ctx, uint32(len(data)))
	if err == nil {
		c.memory.Write(at, data)
	}
	return at, err
}

func (c core) allocate(ctx context.Context, size uint32) (uint32, error) {
	at, err := c.call(ctx, "allocate", size)
	if err == nil && at == 0 {
		err = fmt.Errorf("the core cannot allocate %d bytes", size)
	}
	return at, err
}

// call calls an export whose arguments and result are 32 bits wide.
func (c core) call(ctx context.Context, name string, arguments ...uint32) (uint32, error) {
	stack := make([]uint64, len(arguments))
	for i, argument := range arguments {
		stack[i] = uint64(argument)
	}
	results, err := c.module.ExportedFunction(name).Call(ctx, stack...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return uint32(results[0]), nil
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	return data
}
