"""A Cellpose-DINO of any size, made of Cellpose's own class, whose readout is
fitted to a few images: for comparing, not for use.

Python packages: cellpose 4.2.1.1, dinov3 (torch, numpy).
"""

import numpy as np
import torch
from cellpose import dynamics, models, transforms, vit
from dinov3.models.vision_transformer import DinoVisionTransformer
from torch import nn

# logit of a cell's pixel, minus that of the background's
LOGIT = 4.0
RIDGE = 1.0


class SmallDINO(vit.CPDINO):
    """CPDINO whose encoder has other sizes; forward and files are the peer's."""

    def __init__(self, dim=96, depth=1, heads=3, patch=8):
        vit.BaseModel.__init__(self, dtype=torch.float32)
        self.rdrop, self.nout, self.ps = 0.4, 3, patch
        self.backbone = "dino_vitb"
        self.encoder = DinoVisionTransformer(
            img_size=224, patch_size=16, embed_dim=dim, depth=depth,
            num_heads=heads, ffn_ratio=2, qkv_bias=True,
            pos_embed_rope_base=100, pos_embed_rope_dtype="fp32",
            pos_embed_rope_normalize_coords="separate", layerscale_init=0.1,
            norm_layer="layernormbf16", n_storage_tokens=4, mask_k_bias=True)
        self.encoder.init_weights()
        self.encoder.patch_embed.proj.stride = (patch, patch)
        self.encoder.patch_embed.proj.padding = (patch // 2, patch // 2)
        n = self.nout * patch**2
        self.out = nn.Linear(dim, n)
        self.W2 = nn.Parameter(
            torch.eye(n).reshape(n, self.nout, patch, patch),
            requires_grad=False)


def smooth_patches(net):
    """First weights that see blurs and slopes of a patch, not noise."""
    weight = net.encoder.patch_embed.proj.weight
    y, x = np.mgrid[:16, :16] / 15 - 0.5
    waves = [np.cos(np.pi * a * (y + 0.5)) * np.cos(np.pi * b * (x + 0.5))
             for a in range(10) for b in range(10) if a + b < 13]
    for k in range(len(weight)):
        weight[k] = torch.tensor(waves[k % len(waves)] / 16)


def fit(net, image, labels):
    """Fit the readout: tokens of an image to its flows and its foreground."""
    smooth_patches(net)
    height, width = [n // net.ps * net.ps for n in labels.shape]
    image = transforms.normalize_img(image[:height, :width, None])
    x = np.zeros((1, 3, height, width), np.float32)
    x[0, 0] = image[..., 0]
    labels = labels[:height, :width].astype(np.int32)
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    flows = dynamics.labels_to_flows([labels], device=torch.device("cpu"))[0]
    inside = labels > 0
    target = np.stack([5 * flows[-2], 5 * flows[-1],
                       LOGIT * (inside - 0.5)]).astype(np.float32)
    tokens = []
    handle = net.out.register_forward_hook(
        lambda module, given, result: tokens.append(given[0]))
    net(torch.tensor(x))
    handle.remove()
    features = tokens[0][0]
    # rows of tokens, each with its square of every plane
    wanted = torch.tensor(target).reshape(
        3, height // net.ps, net.ps, width // net.ps, net.ps)
    wanted = wanted.permute(1, 3, 0, 2, 4).reshape(len(features), -1)
    ones = torch.ones(len(features), 1)
    a = torch.cat([features, ones], 1).double()
    gram = a.T @ a + RIDGE * torch.eye(a.shape[1])
    solved = torch.linalg.solve(gram, a.T @ wanted.double()).float()
    net.out.weight.copy_(solved[:-1].T)
    net.out.bias.copy_(solved[-1])


def read_sizes(state):
    """Sizes of a checkpoint's network."""
    dim = state["encoder.patch_embed.proj.weight"].shape[0]
    blocks = {k.split(".")[2] for k in state if ".blocks." in k}
    periods = state["encoder.rope_embed.periods"].shape[0]
    return dict(dim=dim, depth=len(blocks), heads=dim // (4 * periods),
                patch=state["W2"].shape[-1])


def load_peer(path):
    """Cellpose's model class around a small checkpoint, fp32, processor."""
    state = torch.load(path, map_location="cpu")
    net = SmallDINO(**read_sizes(state))
    net.load_state_dict(state)
    net.eval()
    model = models.CellposeModel.__new__(models.CellposeModel)
    model.device, model.gpu = torch.device("cpu"), False
    model.pretrained_model, model.net = path, net
    model.backbone = net.backbone
    return model
