import CYAML
import MillraceCore

/// libyaml's parser, which must be deleted exactly once, and its events as values.
struct YAMLEventSource: ~Copyable {
    enum Kind: Equatable {
        case streamEnd, documentStart, sequenceStart, mappingStart, collectionEnd, other
        case alias(String)
        case scalar(String, isPlain: Bool)
    }

    struct Event: Equatable {
        var kind: Kind
        /// From 1.
        var line: Int
        var anchor: String?
    }

    // Owned: this value alone frees it, and the text outlives it.
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    /// Reads `count` bytes at `start`, which must stay until this value is gone.
    init(_ start: UnsafePointer<UInt8>, count: Int) throws(YAMLReader.Failure) {
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw YAMLReader.Failure(line: 1, message: "libyaml has no memory")
        }
        yaml_parser_set_input_string(parser, start, count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    func next() throws(YAMLReader.Failure) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let line = Int(event.start_mark.line) + 1
        switch event.type {
        case YAML_STREAM_END_EVENT: return Event(kind: .streamEnd, line: line)
        case YAML_DOCUMENT_START_EVENT: return Event(kind: .documentStart, line: line)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return Event(kind: .collectionEnd, line: line)
        case YAML_ALIAS_EVENT: return Event(kind: .alias(Self.text(event.data.alias.anchor) ?? ""), line: line)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            try Self.refuseTag(start.tag, line: line)
            return Event(kind: .sequenceStart, line: line, anchor: Self.text(start.anchor))
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            try Self.refuseTag(start.tag, line: line)
            return Event(kind: .mappingStart, line: line, anchor: Self.text(start.anchor))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            try Self.refuseTag(scalar.tag, line: line)
            let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE && Self.text(scalar.tag) != "tag:yaml.org,2002:str"
            return Event(kind: .scalar(text, isPlain: isPlain), line: line, anchor: Self.text(scalar.anchor))
        default: return Event(kind: .other, line: line)
        }
    }

    private func failure() -> YAMLReader.Failure {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "libyaml has no memory"
        let context = parser.pointee.context.map { String(cString: $0) + ": " } ?? ""
        let line = parser.pointee.error == YAML_READER_ERROR ? 1 : Int(parser.pointee.problem_mark.line) + 1
        let advice = problem.contains("cannot start any token") ? " (YAML is indented with spaces, never tabs)" : ""
        return YAMLReader.Failure(line: line, message: "not valid YAML: \(context)\(problem)\(advice)")
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func refuseTag(_ tag: UnsafeMutablePointer<yaml_char_t>?, line: Int) throws(YAMLReader.Failure) {
        guard let tag = text(tag),
            !["str", "int", "float", "bool", "null", "seq", "map"].contains(where: { tag == "tag:yaml.org,2002:" + $0 })
        else { return }
        throw YAMLReader.Failure(line: line, message: "the tag \(tag) is not known: remove it")
    }
}
