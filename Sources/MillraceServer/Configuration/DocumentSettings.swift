public import Millrace
import MillraceBackends

/// How documents such as PDF and Word are read.
public struct DocumentSettings: Equatable, Sendable {
    /// The program that reads them (default: `millrace-extract` beside the program that runs, else in one of `PATH`'s folders).
    public var program: String?
    /// The folder of poppler's `pdfinfo` and `pdftotext` (default: `/usr/bin`).
    public var pdfPrograms = "/usr/bin"
    /// Where a document's copy is kept while it is read (default: `/var/tmp`).
    public var spoolDirectory = "/var/tmp"
    /// How many documents are read at once (default: 2).
    public var concurrent = 2
    /// How many may wait for that (default: 100).
    public var waiting = 100
    /// How much a document may be, and may cost.
    public var limits = DocumentLimits()

    /// Settings with their defaults.
    public init() {}

    /// The same for what starts the program.
    var options: ProcessDocumentExtractor.Options {
        var options = ProcessDocumentExtractor.Options()
        options.program = program
        options.pdfPrograms = pdfPrograms
        options.spoolDirectory = spoolDirectory
        options.concurrent = concurrent
        options.waiting = waiting
        options.limits = limits
        return options
    }
}
