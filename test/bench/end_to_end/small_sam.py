"""A Cellpose-SAM of any size, made of Cellpose's own class.

Python packages: cellpose 4.2.1.1 (torch, segment_anything, numpy, cv2).
"""

from functools import partial

import torch
from cellpose import models, vit
from segment_anything.modeling import ImageEncoderViT
from torch import nn
from torch.nn import functional as F


class SmallSAM(vit.CPSAM):
    """CPSAM whose encoder has other sizes; forward and files are the peer's."""

    def __init__(self, dim=48, depth=3, heads=3, neck=32, patch=8, tile=256,
                 window=14):
        vit.BaseModel.__init__(self, dtype=torch.float32)
        self.rdrop, self.backbone, self.nout, self.ps = 0, "sam_vitl", 3, patch
        self.encoder = ImageEncoderViT(
            depth=depth, embed_dim=dim, img_size=tile, mlp_ratio=4,
            norm_layer=partial(nn.LayerNorm, eps=1e-6), num_heads=heads,
            patch_size=patch, qkv_bias=True, use_rel_pos=True,
            global_attn_indexes=[1], window_size=window, out_chans=neck)
        for block in self.encoder.blocks:
            block.window_size = 0
        n = self.nout * patch**2
        self.out = nn.Conv2d(neck, n, kernel_size=1)
        self.W2 = nn.Parameter(
            torch.eye(n).reshape(n, self.nout, patch, patch),
            requires_grad=False)

    def run(self, x):
        """The peer's forward, with a gradient for the patch embedding."""
        x = self.encoder.patch_embed(x) + self.encoder.pos_embed
        for block in self.encoder.blocks:
            x = block(x)
        x = self.out(self.encoder.neck(x.permute(0, 3, 1, 2)))
        return F.conv_transpose2d(x, self.W2, stride=self.ps)


def read_sizes(state):
    """Sizes of a checkpoint's network."""
    dim = state["encoder.patch_embed.proj.weight"].shape[0]
    table = state["encoder.blocks.0.attn.rel_pos_h"].shape[1]
    blocks = {k.split(".")[2] for k in state if ".blocks." in k}
    patch = state["encoder.patch_embed.proj.weight"].shape[2]
    return dict(
        dim=dim, depth=len(blocks), heads=dim // table, patch=patch,
        neck=state["encoder.neck.0.weight"].shape[0],
        tile=state["encoder.pos_embed"].shape[1] * patch)


def load_peer(path):
    """Cellpose's model class around a small checkpoint, fp32, processor."""
    state = torch.load(path, map_location="cpu")
    net = SmallSAM(**read_sizes(state))
    net.load_state_dict(state)
    net.eval()
    model = models.CellposeModel.__new__(models.CellposeModel)
    model.device, model.gpu = torch.device("cpu"), False
    model.pretrained_model, model.backbone, model.net = path, "sam_vitl", net
    return model
