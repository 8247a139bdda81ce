# Segment an image with httr2: upload, job, results.
#   CYTOEDGE_URL=http://127.0.0.1:8000 CYTOEDGE_KEY=ce_... \
#     Rscript examples/segment.R IMAGE [FOLDER] [PARAMETERS as JSON]
library(httr2)

args <- commandArgs(trailingOnly = TRUE)
image <- args[1]
folder <- if (length(args) > 1) args[2] else "."
parameters <- jsonlite::fromJSON(
  if (length(args) > 2) args[3] else "{}",
  simplifyVector = FALSE
)
if (length(parameters) == 0) parameters <- setNames(list(), character())

call <- function(method, path, body = NULL) {
  req <- request(paste0(Sys.getenv("CYTOEDGE_URL"), "/v1", path)) |>
    req_method(method) |>
    req_auth_bearer_token(Sys.getenv("CYTOEDGE_KEY")) |>
    req_error(body = \(resp) resp_body_string(resp))
  if (!is.null(body)) req <- req_body_json(req, body, auto_unbox = TRUE)
  req_perform(req)
}

# announce the file, then send exactly what was announced
content <- readBin(image, "raw", file.size(image))
upload <- call("POST", "/uploads", list(
  name = basename(image),
  bytes = length(content),
  sha256 = paste(unclass(openssl::sha256(content)), collapse = "")
)) |> resp_body_json()
put <- upload$put
request(put$url) |>
  req_method("PUT") |>
  req_body_raw(content, type = put$headers[["content-type"]]) |>
  req_headers(!!!put$headers) |>
  req_perform()

# a job; its events end when it does
job <- call("POST", "/jobs", list(
  images = list(list(upload = upload$id)),
  parameters = parameters,
  outputs = list("tif", "csv")
)) |> resp_body_json()
call("GET", paste0("/jobs/", job$id, "/events"))
state <- call("GET", paste0("/jobs/", job$id)) |> resp_body_json()
if (state$state != "succeeded") stop(state$error)

# each file has a URL of its own, for some minutes
results <- call("GET", paste0("/jobs/", job$id, "/results")) |> resp_body_json()
result <- results$images[[1]]
dir.create(folder, showWarnings = FALSE, recursive = TRUE)
for (name in names(result$files)) {
  request(result$files[[name]]$url) |>
    req_perform(path = file.path(folder, name))
}
cat(sprintf("%s: %d cells\n", basename(image), result$count))
