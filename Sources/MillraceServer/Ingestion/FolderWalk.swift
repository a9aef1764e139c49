import Glibc
package import MillraceCore

/// The files under paths, in the order of their names' bytes. It blocks: not for a loop.
///
/// Hidden files and folders (`.git`) are left out, and so are links within folders, which may lead anywhere, and whatever is no file.
package struct FolderWalk: Equatable, Sendable {
    /// A file and its name in the collection.
    package struct File: Equatable, Sendable {
        /// The path to open.
        package var path: String
        /// Folder, folders below, and name, such as `manual/setup.md`; the name alone for a file that was given by itself.
        package var name: String
        /// Whether it was given by itself.
        package var isNamed: Bool
    }
    /// Something that could not be looked at.
    package struct Problem: Equatable, Sendable {
        package var path: String
        package var reason: String
    }

    package private(set) var files: [File] = []
    /// The beginnings of names of all that is under a folder that was given, such as `manual/`.
    package private(set) var folders: [String] = []
    package private(set) var problems: [Problem] = []

    /// Walks paths.
    /// - Throws: ``ErrorCode/invalidInput`` for a path that is not there, or is neither file nor folder.
    package init(_ paths: [String]) throws(MillraceError) {
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0 else { throw MillraceError(.invalidInput, "\(path): \(Self.reason(errno))") }
            let name = try Self.name(of: path)
            switch status.st_mode & S_IFMT {
            case S_IFREG: files.append(File(path: path, name: name, isNamed: true))
            case S_IFDIR:
                folders.append(name + "/")
                walk(path, name)
            default: throw MillraceError(.invalidInput, "\(path) is neither a file nor a folder")
            }
        }
    }

    /// The last part of a path; of `.` and the like the folder's own name.
    private static func name(of path: String) throws(MillraceError) -> String {
        if let name = lastPart(of: path), name != ".", name != ".." { return name }
        guard let resolved = realpath(path, nil) else { throw MillraceError(.invalidInput, "\(path): \(reason(errno))") }
        defer { free(resolved) }
        guard let name = lastPart(of: String(cString: resolved)) else {
            throw MillraceError(.invalidInput, "\(path): name a folder below it")
        }
        return name
    }

    /// What stands behind the last slash that is not at the end. By bytes: a slash and an accent behind it are one character.
    static func lastPart(of path: String) -> String? {
        path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) }
    }

    private mutating func walk(_ path: String, _ name: String) {
        // Deep trees: no recursion. The next folder or file is at the end.
        var waiting: [(path: String, name: String, isFolder: Bool)] = [(path, name, true)]
        while let next = waiting.popLast() {
            guard next.isFolder else {
                files.append(File(path: next.path, name: next.name, isNamed: false))
                continue
            }
            guard let names = names(in: next.path) else { continue }
            for entry in names.reversed() {
                let path = next.path.hasSuffix("/") ? next.path + entry : "\(next.path)/\(entry)"
                var status = stat()
                guard lstat(path, &status) == 0 else {
                    // What was deleted meanwhile is not there.
                    if errno != ENOENT { problems.append(Problem(path: path, reason: Self.reason(errno))) }
                    continue
                }
                let kind = status.st_mode & S_IFMT
                if kind == S_IFDIR || kind == S_IFREG { waiting.append((path, "\(next.name)/\(entry)", kind == S_IFDIR)) }
            }
        }
    }

    /// The names in a folder, sorted by their bytes; `nil`: it cannot be read, which is noted.
    private mutating func names(in path: String) -> [String]? {
        guard let folder = opendir(path) else {
            problems.append(Problem(path: path, reason: Self.reason(errno)))
            return nil
        }
        defer { closedir(folder) }
        var names: [[UInt8]] = []
        while true {
            errno = 0
            guard let entry = readdir(folder) else {
                if errno != 0 { problems.append(Problem(path: path, reason: Self.reason(errno))) }
                break
            }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if name.first != UInt8(ascii: ".") { names.append(name) }
        }
        names.sort { $0.lexicographicallyPrecedes($1) }
        var texts: [String] = []
        for name in names {
            if let text = String(validating: name, as: UTF8.self) {
                texts.append(text)
            } else {
                problems.append(
                    Problem(path: "\(path)/\(String(decoding: name, as: UTF8.self))", reason: "its name is not UTF-8: rename it"))
            }
        }
        return texts
    }

    private static func reason(_ error: Int32) -> String { String(cString: strerror(error)) }
}
