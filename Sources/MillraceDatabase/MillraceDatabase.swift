// MillraceDatabase
