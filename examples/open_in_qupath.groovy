/**
 * Load the cells of IMAGE_cp_masks.geojson as detections of the open image.
 *
 * Run it in QuPath's script editor (Automate, Script editor); the GeoJSON is
 * looked for beside the image. Polygons lie on the edges of pixels, so areas
 * in QuPath are the numbers of pixels.
 */
import qupath.lib.io.PathIO

def image = new File(getCurrentServer().getURIs()[0])
def stem = image.name.replaceAll(/(?i)\.(ome\.tiff?|tiff?|png|jpe?g|webp)$/, '')
def file = new File(image.parentFile, stem + '_cp_masks.geojson')
if (!file.exists()) {
    println "There is no ${file}"
    return
}
def cells = PathIO.readObjects(file)
addObjects(cells)
fireHierarchyUpdate()
println "${cells.size()} cells from ${file.name}"
