import Glibc

// Synchronous, so that the main actor stays out of the way of the loops.
exit(MillraceCommand.run(Array(CommandLine.arguments.dropFirst()), environment: MillraceCommand.processEnvironment))
