import CYAML
import Glibc
import MillraceCore

/// Reads one YAML document (libyaml, YAML 1.1) into nodes that know their lines.
///
/// Bounded, because a few lines of aliases can stand for billions of nodes: the text, the depth and the number of nodes after aliases are
/// expanded have limits. Refused: several documents, repeated keys, keys that are no scalars, tags beyond YAML's own.
package struct YAMLReader {
    /// The most bytes of text.
    package static let byteLimit = 1 << 20
    /// The deepest nesting.
    package static let depthLimit = 32
    /// The most nodes, what aliases stand for counted each time.
    package static let nodeLimit = 10_000

    /// Why a document was refused, and where.
    package struct Failure: Error, Equatable {
        package let line: Int
        package let message: String
    }

    /// The version of libyaml that is installed.
    package static var libraryVersion: String { String(cString: yaml_get_version_string()) }

    private var anchors: [String: (node: YAMLNode, count: Int)] = [:]
    private var count = 0

    /// Reads a document; `nil` for one without content.
    package static func read(_ bytes: [UInt8]) throws(Failure) -> YAMLNode? {
        if bytes.count > byteLimit { throw Failure(line: 1, message: "the file is longer than \(byteLimit) bytes") }
        var reader = YAMLReader()
        let result: Result<YAMLNode?, Failure> = bytes.withUnsafeBufferPointer { bytes in
            do throws(Failure) {
                // An empty array may have no address, which libyaml asserts against.
                guard let start = bytes.baseAddress, bytes.count > 0 else { return .success(nil) }
                let events = try YAMLEventSource(start, count: bytes.count)
                return .success(try reader.document(events))
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private mutating func document(_ events: borrowing YAMLEventSource) throws(Failure) -> YAMLNode? {
        var root: YAMLNode?
        while true {
            let event = try events.next()
            switch event.kind {
            case .streamEnd: return root
            case .documentStart:
                if root != nil { throw Failure(line: event.line, message: "only one document is allowed: remove the second '---'") }
            case .other: break
            default: root = try node(event, events, depth: 1)
            }
        }
    }

    private mutating func node(
        _ event: YAMLEventSource.Event, _ events: borrowing YAMLEventSource, depth: Int
    ) throws(Failure) -> YAMLNode {
        if depth > Self.depthLimit { throw Failure(line: event.line, message: "nested more than \(Self.depthLimit) levels deep") }
        let before = count
        try add(1, line: event.line)
        var node = YAMLNode(content: .sequence([]), line: event.line)
        switch event.kind {
        case .alias(let name):
            guard let target = anchors[name] else {
                throw Failure(line: event.line, message: "the alias *\(name) has no anchor &\(name) before it")
            }
            try add(target.count, line: event.line)
            node.content = target.node.content
            return node
        case .scalar(let text, let isPlain):
            node.content = .scalar(text, isPlain: isPlain)
        case .sequenceStart:
            var elements: [YAMLNode] = []
            while true {
                let next = try events.next()
                if next.kind == .collectionEnd { break }
                elements.append(try self.node(next, events, depth: depth + 1))
            }
            node.content = .sequence(elements)
        case .mappingStart:
            node.content = .mapping(try members(events, depth: depth))
        case .collectionEnd, .documentStart, .streamEnd, .other:
            throw Failure(line: event.line, message: "the document ends where a value was expected")
        }
        if let anchor = event.anchor { anchors[anchor] = (node, count - before) }
        return node
    }

    private mutating func members(_ events: borrowing YAMLEventSource, depth: Int) throws(Failure) -> [YAMLNode.Member] {
        var members: [YAMLNode.Member] = []
        var merged: [YAMLNode.Member] = []
        var lines: [String: Int] = [:]
        while true {
            let keyEvent = try events.next()
            if keyEvent.kind == .collectionEnd { break }
            let keyNode = try node(keyEvent, events, depth: depth + 1)
            guard case .scalar(let key, let isPlain) = keyNode.content else {
                throw Failure(line: keyEvent.line, message: "a key must be text, not \(keyNode.found)")
            }
            let value = try node(try events.next(), events, depth: depth + 1)
            if key == "<<", isPlain {
                merged += try mergedMembers(value)
                continue
            }
            if let first = lines[key] {
                throw Failure(line: keyEvent.line, message: "the key '\(key)' is already given in line \(first): keep one of them")
            }
            lines[key] = keyEvent.line
            members.append(YAMLNode.Member(key: key, line: keyEvent.line, value: value))
        }
        // Of the merged members the first of a name counts, and the mapping's own beat them all (yaml.org/type/merge).
        for member in merged where lines.updateValue(member.line, forKey: member.key) == nil { members.append(member) }
        return members
    }

    private func mergedMembers(_ value: YAMLNode) throws(Failure) -> [YAMLNode.Member] {
        switch value.content {
        case .mapping(let members): return members
        case .sequence(let nodes):
            var all: [YAMLNode.Member] = []
            for node in nodes {
                guard case .mapping(let members) = node.content else {
                    throw Failure(line: node.line, message: "'<<' merges groups of keys, not \(node.found)")
                }
                all += members
            }
            return all
        case .scalar: throw Failure(line: value.line, message: "'<<' merges groups of keys, not \(value.found)")
        }
    }

    private mutating func add(_ nodes: Int, line: Int) throws(Failure) {
        count += nodes
        if count > Self.nodeLimit {
            throw Failure(line: line, message: "more than \(Self.nodeLimit) nodes, what aliases stand for counted each time")
        }
    }
}
