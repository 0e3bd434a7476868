import Glibc
import RungCore
import Testing

@testable import RungStore

/// Objects in pieces: out of a store, and into one under a digest that was announced.
@Suite struct StreamTests {
  private func withStore(_ body: (ObjectStore) throws -> Void) throws {
    var template = Array("/tmp/rung-stream-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { try? removeTree(folder, in: AT_FDCWD, .live, at: folder) }
    try body(try ObjectStore(path: folder, durability: .none))
  }

  /// Bytes that do not shrink, or that do.
  private func bytes(_ count: Int, isNoise: Bool) -> [UInt8] {
    var state: UInt64 = 42
    return (0..<count).map { index in
      if isNoise || index % 50 == 0 { state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }
      return UInt8(truncatingIfNeeded: state >> 40)
    }
  }

  private func stageIsEmpty(_ store: ObjectStore) throws -> Bool {
    let stage = try #require(store.stage)
    return try store.fileSystem.list(stage.descriptor, at: "stage").allSatisfy { ["lock", "pins"].contains(text($0)) }
  }

  @Test(arguments: [0, 1, 65_536, 65_537, 2 << 20, (4 << 20) + 17], [true, false])
  func whatGoesInInPiecesComesOutInPieces(_ count: Int, _ isNoise: Bool) throws {
    try withStore { store in
      let whole = bytes(count, isNoise: isNoise)
      let digest = Digest(of: whole)
      let writer = try store.writer(digest)
      for start in stride(from: 0, to: whole.count, by: 100_003) {
        try whole[start..<min(start + 100_003, whole.count)].withUnsafeBytes { try writer.append($0) }
      }
      try writer.finish()
      #expect(try store.read(digest, limit: .max) == whole)
      try store.flush()
      #expect(try store.check().damaged.isEmpty)
      let reader = try store.reader(digest)
      #expect(reader.size == Int64(count))
      var back: [UInt8] = []
      while case let piece = try reader.piece(), !piece.isEmpty { back += piece }
      #expect(back == whole)
      #expect(try reader.piece().isEmpty)
      #expect(try stageIsEmpty(store))
    }
  }

  @Test(arguments: [10, 100_000, 5 << 20]) func otherBytesThanAnnouncedAreNotKept(_ count: Int) throws {
    try withStore { store in
      let digest = Digest(ofText: "something else")
      let writer = try store.writer(digest)
      try bytes(count, isNoise: true).withUnsafeBytes { try writer.append($0) }
      #expect(throws: StoreError.self) { try writer.finish() }
      #expect(!store.contains(digest))
      #expect(try stageIsEmpty(store))
      // Nor of one that is given up.
      var other: ObjectWriter? = try store.writer(digest)
      try bytes(count, isNoise: true).withUnsafeBytes { try other?.append($0) }
      other = nil
      #expect(try stageIsEmpty(store))
    }
  }

  @Test(arguments: [true, false]) func aDamagedObjectIsNeverHandedOverWhole(_ isNoise: Bool) throws {
    try withStore { store in
      let whole = bytes(5 << 20, isNoise: isNoise)
      let digest = try store.put(whole).digest
      try store.flush()
      let place = try #require(try store.location(of: digest))
      chmod(place.file, 0o644)
      let file = open(place.file, O_RDWR)
      defer { close(file) }
      var byte: UInt8 = 0
      #expect(pread(file, &byte, 1, 1000) == 1)
      byte ^= 0xFF
      #expect(pwrite(file, &byte, 1, 1000) == 1)
      let reader = try store.reader(digest)
      var came = 0
      #expect(throws: StoreError.self) {
        while case let piece = try reader.piece(), !piece.isEmpty { came += piece.count }
      }
      #expect(came < whole.count)
      #expect(!store.contains(digest))
    }
  }
}
