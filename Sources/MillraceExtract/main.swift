import MillraceExtraction

ExtractCommand.run(Array(CommandLine.arguments.dropFirst()))
