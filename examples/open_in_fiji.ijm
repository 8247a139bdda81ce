// Load IMAGE_rois.zip into the ROI Manager, over the open image.
//
// Plugins, Macros, Run...; the zip is looked for beside the image. ROIs are
// named by label and lie on the edges of pixels; Measure gives exact areas.

folder = getDirectory("image");
stem = getTitle();
endings = newArray(".ome.tiff", ".ome.tif", ".tiff", ".tif", ".png", ".jpg",
    ".jpeg", ".webp");
for (i = 0; i < endings.length; i++) {
    if (endsWith(toLowerCase(stem), endings[i])) {
        stem = substring(stem, 0, lengthOf(stem) - lengthOf(endings[i]));
        i = endings.length;
    }
}
path = folder + stem + "_rois.zip";
if (!File.exists(path)) exit("There is no " + path);
run("ROI Manager...");
roiManager("reset");
roiManager("open", path);
roiManager("show all without labels");
print(roiManager("count") + " cells from " + path);
