import Millrace
import MillraceBackends
import MillraceCore
import MillraceServer

// What `Docs/backends.md` shows; `DocumentTests` holds the two to each other.
func copyObjects(from directory: String, to settings: ServerSettings) async throws {
    var objects: (any ObjectStore)?
    let server = try Server(settings: settings) { _, clients in objects = clients.objects }
    defer { server.stop() }
    guard let target = objects else { throw MillraceError(.configuration, "the new object store cannot be used") }
    let source = try DirectoryObjectStore(path: directory, executor: BlockingExecutor(name: "copy", threads: 1))
    var last: String?
    while true {
        let page = try await source.list(prefix: "", after: last, limit: 1000)
        for object in page.objects {
            guard let found = try await source.head(object.key) else { continue }
            let bytes = try await source.bytes(object.key, limit: found.length)
            let options = ObjectPutOptions(mimeType: found.mimeType, metadata: found.metadata)
            _ = try await target.put(object.key, .bytes(bytes), options: options)
        }
        guard page.hasMore, let end = page.objects.last else { return }
        last = end.key
    }
}
