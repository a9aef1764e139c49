import Glibc
import MillraceCore

/// `millrace new`: a package with a handler, its prompts, settings and tests, an example's configuration and data, and the program that serves it.
struct NewCommand {
    let command: ParsedCommand
    let terminal: Terminal

    func run() throws -> Int32 {
        let made = try make()
        for path in made.paths { terminal.write(.output, "created  \(path)\n") }
        terminal.write(.output, "\n" + made.names.fill(Scaffold.nextSteps, millrace: made.millrace, folder: made.folder))
        return ExitCode.success
    }

    /// What was written.
    struct Made {
        var names: ScaffoldNames
        var millrace: String
        var folder: String
        var paths: [String] = []
    }

    /// Writes the package.
    /// - Throws: ``MillraceError`` before anything is written, for a wrong name, a folder that is there, a clone that is not.
    func make() throws(MillraceError) -> Made {
        let names = try ScaffoldNames(command.arguments[0])
        let here = try Self.realPath(".")
        let millrace = if let named = command.value("millrace") { try Self.checkout(named) } else { try Self.enclosingCheckout(of: here) }
        let parent = command.value("directory") ?? (here == millrace ? "examples" : ".")
        try Directories.make(parent)
        let folder = try Self.realPath(parent) + "/" + names.task
        guard access(folder, F_OK) != 0 else {
            throw MillraceError(.conflict, "\(folder) is there already: nothing was written")
        }
        var made = Made(names: names, millrace: millrace, folder: folder)
        let dependency = Self.path(to: millrace, from: folder)
        for file in try Scaffold.files() {
            let path = "\(folder)/\(names.fill(file.path, millrace: dependency))"
            try Directories.make(Directories.parent(of: path))
            let text = names.fill(file.text, millrace: dependency)
            try AtomicFile.create(Array(text.utf8), at: path, permissions: file.isProgram ? 0o755 : 0o644)
            made.paths.append(path)
        }
        return made
    }

    /// A path without links and dots.
    private static func realPath(_ path: String) throws(MillraceError) -> String {
        guard let found = realpath(path, nil) else {
            throw MillraceError(.notFound, "\(path): \(String(cString: strerror(errno)))")
        }
        defer { free(found) }
        return String(cString: found)
    }

    private static func checkout(_ path: String) throws(MillraceError) -> String {
        let folder = try realPath(path)
        guard isCheckout(folder) else {
            throw MillraceError(
                .invalidInput, "\(folder) is no clone of Millrace: it has no Package.swift with Sources/MillraceServer beside it")
        }
        return folder
    }

    private static func isCheckout(_ folder: String) -> Bool {
        access(folder + "/Package.swift", R_OK) == 0 && access(folder + "/Sources/MillraceServer", F_OK) == 0
    }

    private static func enclosingCheckout(of folder: String) throws(MillraceError) -> String {
        var folder = folder
        while !isCheckout(folder) {
            guard folder != "/" else {
                throw MillraceError(
                    .invalidInput,
                    "this is not within a clone of Millrace: say where one is with --millrace DIR, for the new package to build against")
            }
            folder = Directories.parent(of: folder)
        }
        return folder
    }

    /// How a package in `folder` names a clone: by the way up where the clone holds it, so that both can be moved together.
    static func path(to clone: String, from folder: String) -> String {
        let clone = clone.split(separator: "/")
        let folder = folder.split(separator: "/")
        guard folder.count > clone.count, folder.starts(with: clone) else { return "/" + clone.joined(separator: "/") }
        return Array(repeating: "..", count: folder.count - clone.count).joined(separator: "/")
    }
}
