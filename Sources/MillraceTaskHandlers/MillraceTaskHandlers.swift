// MillraceTaskHandlers
