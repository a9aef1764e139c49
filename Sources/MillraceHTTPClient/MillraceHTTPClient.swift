// MillraceHTTPClient
