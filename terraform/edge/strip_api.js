// The API knows no /api. The rest stays as it is encoded: a key in it may hold a %2F.
function handler(event) {
  const request = event.request;
  request.uri = request.uri.replace(/^\/api(?=\/)/, "");
  return request;
}
