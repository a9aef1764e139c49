import MillraceCore

@testable import MillraceAWS

extension FuzzTarget {
    /// What AWS's tools leave on a machine: profile files, command lines of `credential_process`, times, cached tokens.
    static let awsText = FuzzTarget("aws-text") { (bytes) throws(Disagreement) in
        let file: AWSProfileFile
        do throws(MillraceError) { file = try AWSProfileFile(parsing: bytes, name: "config") } catch {
            try expect(error.message.contains("config"), "an error that does not name the file: \(error.message)")
            file = AWSProfileFile()
        }
        try expectEqual(Set(file.sections.map(\.name)).count, file.sections.count, "sections of one name")
        for section in file.sections {
            try expect(section.settings.keys.allSatisfy { $0 == $0.lowercased() && !$0.isEmpty }, "a key of \(section.name)")
            _ = "\(section)"
        }
        let text = String(decoding: bytes, as: UTF8.self)
        if let words = try? ShellWords.split(text) {
            // By scalars: a quote and a combining mark behind it are one character.
            let quoted = words.map { word in
                "'" + word.unicodeScalars.map { $0 == "'" ? "'\"'\"'" : String($0) }.joined() + "'"
            }.joined(separator: " ")
            try expectEqual(
                (try? ShellWords.split(quoted))?.map { Array($0.utf8) }, words.map { Array($0.utf8) }, "words, quoted and split")
        }
        _ = AWSTimeText.parse(text)
    }
}
