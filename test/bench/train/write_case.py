"""Write a training case: steps of AdamW of a small network of Cellpose's.

python write_case.py OUT [--family dino | unet] [--dim 48] [--depth 3] [--heads 3] …

The network is Cellpose's own class, the loss Cellpose's own function. OUT is
laid out as the golden case is: checkpoint.pth, x.npy,
labels_cellprob_flows.npy, gradients_step1.pth, checkpoint_after3.pth and
case.json.

Python packages: cellpose 4.2.1.1 (torch, segment_anything, numpy); for DINO a
checkout of facebookresearch/dinov3 on the path, for the U-Net resnet_torch.py of
cellpose 3.1.1.2 as `cellpose3_resnet`.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import torch
from cellpose import vit
from cellpose.train import _loss_fn_seg
from torch import nn

sys.path.append(str(pathlib.Path(__file__).parent.parent / "end_to_end"))
from small_sam import SmallSAM  # noqa: E402


def draw(tile, batch, random):
    """Disks: images and (foreground, dY, dX), both batch×3×tile×tile."""
    images = random.normal(0.3, 0.2, (batch, 3, tile, tile))
    labels = np.zeros((batch, 3, tile, tile))
    y, x = np.mgrid[:tile, :tile]
    for image, label in zip(images, labels):
        for _ in range(max(3, tile // 12)):
            cy, cx = random.uniform(0, tile, 2)
            radius = random.uniform(3, tile / 10)
            dy, dx = cy - y, cx - x
            far = np.hypot(dy, dx)
            disk = far < radius
            label[0][disk] = 1
            label[1][disk] = (dy / np.maximum(far, 1e-3))[disk]
            label[2][disk] = (dx / np.maximum(far, 1e-3))[disk]
            image[:2, disk] += random.uniform(0.3, 0.7)
    return images.astype(np.float32), labels.astype(np.float32)


def make_sam(args):
    return SmallSAM(dim=args.dim, depth=args.depth, heads=args.heads,
                    neck=args.neck, patch=args.patch, tile=args.tile,
                    window=args.window)


def make_dino(args):
    from dinov3.models.vision_transformer import DinoVisionTransformer

    class SmallDINO(vit.CPDINO):
        def __init__(self, patch=8):
            vit.BaseModel.__init__(self)
            self.rdrop, self.nout, self.ps = 0, 3, patch
            self.encoder = DinoVisionTransformer(
                img_size=224, patch_size=16, embed_dim=args.dim,
                depth=args.depth, num_heads=args.heads, ffn_ratio=4,
                qkv_bias=True, pos_embed_rope_base=100,
                pos_embed_rope_dtype="fp32", layerscale_init=0.1,
                pos_embed_rope_normalize_coords="separate",
                norm_layer="layernormbf16", n_storage_tokens=4,
                mask_k_bias=True)
            self.encoder.init_weights()
            embed = self.encoder.patch_embed.proj
            embed.stride = (patch, patch)
            embed.padding = (patch // 2,) * 2 if patch < 16 else (0, 0)
            n = self.nout * patch**2
            self.out = nn.Linear(args.dim, n)
            self.W2 = nn.Parameter(
                torch.eye(n).reshape(n, self.nout, patch, patch),
                requires_grad=False)

    return SmallDINO(args.patch)


def make_unet(args):
    from cellpose3_resnet import CPnet
    return CPnet([3, *[args.dim * 2**i for i in range(args.depth)]], 3, 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--family", choices=["sam", "dino", "unet"], default="sam")
    for name, value in dict(dim=48, depth=3, heads=3, neck=32, patch=8,
                            tile=256, window=14, batch=2, steps=3,
                            seed=0).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--rate", default="1e-3")
    parser.add_argument("--decay", default="0.1")
    parser.add_argument("--betas", default="(0.9,0.999)")
    parser.add_argument("--eps", default="1e-8")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    random = np.random.default_rng(args.seed)
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)

    net = dict(sam=make_sam, dino=make_dino, unet=make_unet)[args.family](args)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            # zero at the start, where their gradients would hide mistakes
            if "rel_pos" in name or "pos_embed" in name:
                weight.normal_(0, 0.05)
            if ".norm" in name or "neck.1" in name or "neck.3" in name:
                weight.add_(torch.randn_like(weight) * 0.1)
    net.train()
    torch.save(net.state_dict(), out / "checkpoint.pth")
    x, labels = draw(args.tile, args.batch, random)
    np.save(out / "x.npy", x)
    np.save(out / "labels_cellprob_flows.npy", labels)

    optimizer = torch.optim.AdamW(
        net.parameters(), lr=float(args.rate), weight_decay=float(args.decay),
        betas=tuple(float(b) for b in args.betas.strip("()").split(",")),
        eps=float(args.eps))
    losses = []
    for step in range(args.steps):
        y = net(torch.from_numpy(x))[0]
        loss = _loss_fn_seg(torch.from_numpy(labels), y, torch.device("cpu"))
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients = {name: weight.grad.clone()
                         for name, weight in net.named_parameters()
                         if weight.grad is not None}
            torch.save(gradients, out / "gradients_step1.pth")
        optimizer.step()
    torch.save(net.state_dict(), out / f"checkpoint_after{args.steps}.pth")
    text = (f"AdamW lr={args.rate} weight_decay={args.decay} "
            f"betas={args.betas} eps={args.eps}")
    case = dict(losses=losses, optimizer=text, layer_drop="off")
    (out / "case.json").write_text(json.dumps(case, indent=1))


main()
