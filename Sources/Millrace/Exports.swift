// A handler author imports one module: JSON values, errors, timestamps and loggers are part of its interface.
@_exported public import MillraceCore
