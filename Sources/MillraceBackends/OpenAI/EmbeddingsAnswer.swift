import FoundationEssentials
import Millrace
import MillraceCore

/// The answer of `POST /embeddings`, checked.
///
/// Source: OpenAI's API reference, "Create embeddings". Elements are ordered by their `index`; a vector is a list of numbers, or base64
/// (RFC 4648, section 4) of 32-bit floats, little-endian.
struct EmbeddingsAnswer {
    let vectors: [[Float]]
    let usage: Usage
    let modelID: String?

    /// - Parameters:
    ///   - count: how many texts were sent.
    ///   - dimensions: the length that every vector must have; `nil`: all the same.
    ///   - server: the server as people call it, for errors.
    /// - Throws: ``ErrorCode/modelError`` that says what is wrong with the answer.
    init(_ json: JSONValue, count: Int, dimensions: Int?, server: String) throws(MillraceError) {
        func wrong(_ problem: String) -> MillraceError {
            MillraceError(.modelError, "the model's server \(server) \(problem)")
        }
        guard let data = json["data"]?.array else { throw wrong("answered with no list of embeddings: check the URL") }
        guard data.count == count else { throw wrong("answered \(count) texts with \(data.count) embeddings") }
        var vectors = [[Float]?](repeating: nil, count: count)
        var length = dimensions
        for (position, element) in data.enumerated() {
            let index = element["index"]?.integer ?? position
            guard vectors.indices.contains(index), vectors[index] == nil else {
                throw wrong("answered with an embedding of the index \(index), which is repeated or out of range")
            }
            guard let vector = Self.vector(element["embedding"] ?? .null), !vector.isEmpty else {
                throw wrong("answered with an embedding that is no list of numbers")
            }
            if let length, vector.count != length {
                let expected = dimensions == nil ? "others of \(length)" : "\(length) are configured"
                throw wrong("answered with an embedding of \(vector.count) dimensions, where \(expected)")
            }
            length = vector.count
            vectors[index] = vector
        }
        self.vectors = vectors.compactMap { $0 }
        usage = json["usage"].flatMap { Usage(openAI: $0) } ?? .unknown
        modelID = json["model"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func vector(_ json: JSONValue) -> [Float]? {
        switch json {
        case .array(let elements):
            var vector: [Float] = []
            vector.reserveCapacity(elements.count)
            for element in elements {
                guard let number = element.double else { return nil }
                vector.append(Float(number))
            }
            return vector.allSatisfy(\.isFinite) ? vector : nil
        case .string(let text):
            guard let data = Data(base64Encoded: text), data.count.isMultiple(of: 4) else { return nil }
            let vector = data.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: 4).map {
                    Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)))
                }
            }
            return vector.allSatisfy(\.isFinite) ? vector : nil
        default: return nil
        }
    }
}
