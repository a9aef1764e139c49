// MillraceServer
