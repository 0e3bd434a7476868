import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct MissingObjectsTests {
  @Test func whatIsMissingOfAnOutputIsFoundAtAnyDepth() throws {
    try withStore { store, folder in
      let file = try store.put(Array("a file".utf8)).digest
      let inner = try TreeManifest(entries: [.init(name: "x", kind: .file(digest: file, size: 6, executable: false))])
      let outer = try TreeManifest(entries: [
        .init(name: "empty", kind: .file(digest: .empty, size: 0, executable: false)),
        .init(name: "inner", kind: .directory(digest: inner.digest, size: 6)),
        .init(name: "link", kind: .link(target: Array("inner".utf8))),
        .init(name: "y", kind: .file(digest: file, size: 6, executable: true)),
      ])
      try store.put(inner.encoded)
      try store.put(outer.encoded)
      try store.flush()
      func missing(_ digest: Digest, isTree: Bool) throws -> Set<Digest> {
        var look = MissingObjects(in: try ObjectStore(path: store.path, durability: .none))
        let first = look.missing(of: digest, isTree: isTree)
        #expect(look.missing(of: digest, isTree: isTree) == first)
        return first
      }
      func remove(_ digest: Digest) throws {
        try store.lose(digest)
      }
      #expect(try missing(outer.digest, isTree: true).isEmpty)
      #expect(try missing(file, isTree: false).isEmpty)
      try remove(file)
      #expect(try missing(outer.digest, isTree: true) == [file])
      #expect(try missing(outer.digest, isTree: false).isEmpty)
      #expect(try missing(file, isTree: false) == [file])
      try remove(inner.digest)
      #expect(try missing(outer.digest, isTree: true) == [file, inner.digest])
      try remove(outer.digest)
      #expect(try missing(outer.digest, isTree: true) == [outer.digest])
    }
  }
}
