// MillraceEventLoop
