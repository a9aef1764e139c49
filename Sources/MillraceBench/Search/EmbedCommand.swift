import Millrace
import MillraceBackends
import MillraceCore

/// `millrace-bench embed FROM TO`: the embedded embedder's vectors of texts, a JSON object with `id` and `vector` on each line.
enum EmbedCommand {
    static func run(_ arguments: some Sequence<String>) throws -> Int32 {
        let files = Array(arguments)
        guard files.count == 2 else { throw MillraceError(.invalidInput, "embed needs a file of texts and one for their vectors") }
        let texts = try SearchMaterial.read(files[0])
        let done = Monitor<Result<[[Float]], any Error>?>(nil)
        Task.detached {
            var result: Result<[[Float]], any Error>
            do { result = .success(try await LocalEmbedder().embed(texts.map(\.text), for: .document).vectors) } catch {
                result = .failure(error)
            }
            done.update { [result] in
                $0 = result
                return true
            }
        }
        while true {
            guard let result = done.wait(nanoseconds: 1_000_000_000, { $0 }) else { continue }
            let lines = zip(texts, try result.get()).map { text, vector in
                JSONValue.object(["id": .string(text.id), "vector": .array(vector.map { .double(Double($0)) })]).text + "\n"
            }
            try Files.write(lines.joined(), to: files[1])
            return 0
        }
    }
}
