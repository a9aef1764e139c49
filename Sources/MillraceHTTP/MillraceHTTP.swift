// MillraceHTTP
