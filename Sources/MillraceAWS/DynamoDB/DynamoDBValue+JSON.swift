import FoundationEssentials
import MillraceCore

extension DynamoDBValue {
    /// The form in requests and responses: an object whose one member names the kind.
    var json: JSONValue {
        switch self {
        case .string(let value): ["S": .string(value)]
        case .number(let value): ["N": .string(value)]
        case .binary(let value): ["B": .string(Data(value).base64EncodedString())]
        case .bool(let value): ["BOOL": .bool(value)]
        case .null: ["NULL": true]
        case .map(let members): ["M": Self.json(of: members)]
        case .list(let elements): ["L": .array(elements.map(\.json))]
        // In order, so that a request has one form.
        case .stringSet(let texts): ["SS": .array(texts.sorted().map { .string($0) })]
        case .numberSet(let texts): ["NS": .array(texts.sorted().map { .string($0) })]
        case .binarySet(let values): ["BS": .array(values.map { Data($0).base64EncodedString() }.sorted().map { .string($0) })]
        }
    }

    /// Reads the form of ``json``.
    /// - Throws: ``MillraceError`` with ``ErrorCode/invalidJSON``.
    init(_ json: JSONValue) throws(MillraceError) {
        guard let members = json.object, members.count == 1, let (kind, value) = members.first else { throw Self.malformed(json.kindName) }
        func texts() throws(MillraceError) -> [String] {
            guard let elements = value.array else { throw Self.malformed(kind) }
            let texts = elements.compactMap(\.string)
            guard texts.count == elements.count else { throw Self.malformed(kind) }
            return texts
        }
        func bytes(_ text: String) throws(MillraceError) -> [UInt8] {
            guard let data = Data(base64Encoded: text) else { throw Self.malformed(kind) }
            return Array(data)
        }
        switch (kind, value) {
        case ("S", .string(let text)): self = .string(text)
        case ("N", .string(let text)): self = .number(text)
        case ("B", .string(let text)): self = .binary(try bytes(text))
        case ("BOOL", .bool(let flag)): self = .bool(flag)
        case ("NULL", .bool): self = .null
        case ("M", _): self = .map(try Self.item(value))
        case ("L", .array(let elements)):
            var values: [DynamoDBValue] = []
            values.reserveCapacity(elements.count)
            for element in elements { values.append(try DynamoDBValue(element)) }
            self = .list(values)
        case ("SS", _): self = .stringSet(Set(try texts()))
        case ("NS", _): self = .numberSet(Set(try texts()))
        case ("BS", _):
            var values: Set<[UInt8]> = []
            for text in try texts() { values.insert(try bytes(text)) }
            self = .binarySet(values)
        default: throw Self.malformed(kind)
        }
    }

    static func json(of item: DynamoDBItem) -> JSONValue { .object(item.mapValues(\.json)) }

    /// An item of a response.
    static func item(_ json: JSONValue) throws(MillraceError) -> DynamoDBItem {
        guard let members = json.object else { throw malformed(json.kindName) }
        var item: DynamoDBItem = [:]
        item.reserveCapacity(members.count)
        for (name, value) in members { item[name] = try DynamoDBValue(value) }
        return item
    }

    /// Items of a response; none where there is no such member.
    static func items(_ json: JSONValue?) throws(MillraceError) -> [DynamoDBItem] {
        var items: [DynamoDBItem] = []
        for element in json?.array ?? [] { items.append(try item(element)) }
        return items
    }

    private static func malformed(_ what: String) -> MillraceError {
        MillraceError(.invalidJSON, "DynamoDB answered a value of a kind that is not known here (\(what))")
    }
}
