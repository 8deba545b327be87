// The dashboard's pages are all in index.html; only a path whose last part has an extension is a file.
function handler(event) {
  const request = event.request;
  if (!request.uri.split("/").pop().includes(".")) {
    request.uri = "/index.html";
  }
  return request;
}
