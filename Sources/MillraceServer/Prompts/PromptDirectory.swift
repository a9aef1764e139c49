import Glibc
package import Millrace
import MillraceCore

/// What a directory of prompts holds: a folder for each handler, in it templates, also in folders of their own.
package struct PromptDirectory {
    /// The texts by handler and by their names in its folder.
    package private(set) var sources: PromptLibrary.Sources = [:]
    /// What cannot be read, and where.
    package private(set) var problems: [ConfigurationProblem] = []
    /// What is odd.
    package private(set) var warnings: [ConfigurationProblem] = []
    /// The files that were read.
    package private(set) var files: [String] = []
    /// The states of directories and files, from before they were read.
    package private(set) var stamps: [String: FileStamp?] = [:]

    private static let mostFiles = 1000
    private static let mostDepth = 9

    /// Reads a directory whole. It blocks: for start-up and the command line.
    /// - Parameter path: the directory; where there is none, there are no prompts.
    package init(_ path: String) {
        for name in entries(path) {
            let entry = "\(path)/\(name)"
            if Self.isDirectory(entry) {
                let texts = readFolder(entry, depth: 1)
                sources[name] = Dictionary(
                    uniqueKeysWithValues: texts.map { ($0, PromptSource(name: "\(name)/\($0)", text: $1, origin: .file)) })
            } else if name.hasSuffix(PromptRules.suffix) {
                warnings.append(
                    ConfigurationProblem(
                        key: nil, origin: .file(path: entry, line: 1),
                        message: "this prompt belongs to no handler: put it into a folder with the handler's name"))
            }
        }
    }

    /// Reads one handler's folder: the texts by name, and what is wrong.
    package static func folder(_ path: String) -> (texts: [String: String], problems: [ConfigurationProblem]) {
        var directory = PromptDirectory()
        let texts = directory.readFolder(path, depth: 1)
        return (texts, directory.problems)
    }

    /// The states of all that is below a directory, without reading it.
    package static func stamps(_ path: String) -> [String: FileStamp?] {
        var directory = PromptDirectory()
        directory.reads = false
        _ = directory.readFolder(path, depth: 0)
        return directory.stamps
    }

    private var reads = true
    private init() {}

    private mutating func readFolder(_ path: String, prefix: String = "", depth: Int) -> [String: String] {
        var texts: [String: String] = [:]
        for name in entries(path) {
            let entry = "\(path)/\(name)"
            if Self.isDirectory(entry) {
                guard depth < Self.mostDepth else {
                    note(entry, "prompts lie at most \(Self.mostDepth - 1) folders deep")
                    continue
                }
                texts.merge(readFolder(entry, prefix: "\(prefix)\(name)/", depth: depth + 1)) { $1 }
            } else if name.hasSuffix(PromptRules.suffix) {
                stamps[entry] = .some(FileStamp(entry))
                if reads, let text = read(entry, prefix + name) { texts[prefix + name] = text }
            }
        }
        return texts
    }

    private mutating func read(_ path: String, _ name: String) -> String? {
        if let problem = PromptRules.problem(ofName: name) {
            note(path, problem)
            return nil
        }
        guard files.count < Self.mostFiles else {
            if files.count == Self.mostFiles { note(path, "there are more than \(Self.mostFiles) prompts") }
            files.append(path)
            return nil
        }
        files.append(path)
        let bytes: [UInt8]
        do throws(MillraceError) { bytes = try BoundedFile.read(path, limit: PromptRules.mostBytes) } catch {
            note(path, error.message)
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            note(path, "the text is not UTF-8")
            return nil
        }
        if let problem = PromptRules.problem(in: text, name: name) {
            problems.append(
                ConfigurationProblem(
                    key: nil, origin: .file(path: path, line: problem.line), message: "column \(problem.column): \(problem.message)"))
            return nil
        }
        return text
    }

    private mutating func note(_ path: String, _ message: String) {
        problems.append(ConfigurationProblem(key: nil, origin: .file(path: path, line: 1), message: message))
    }

    /// The names in a directory, sorted, without those that begin with a dot.
    private mutating func entries(_ path: String) -> [String] {
        // Also of one that is not there: it may come.
        stamps[path] = .some(FileStamp(path))
        guard let handle = opendir(path) else {
            if errno != ENOENT { note(path, "cannot open the directory: \(String(cString: strerror(errno)))") }
            return []
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
