// MillraceBackends
