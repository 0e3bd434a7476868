import Glibc
import RungCore

/// An object that is others put end to end, as its file tells:
///
///     rung-list 1
///     524288 9f86d081…
///     131072 2cf24dba…
///
/// A line for each part: its size in bytes and its digest.
struct ObjectList: Hashable, Sendable {
  private static let header = Array("rung-list 1\n".utf8)
  static let mostBytes = 256 << 20

  struct Part: Hashable, Sendable {
    var size: Int
    var digest: Digest
  }
  var parts: [Part]

  var encoded: [UInt8] {
    var out = Self.header
    out.reserveCapacity(out.count + parts.count * 76)
    for part in parts { out += "\(part.size) \(part.digest.hex)\n".utf8 }
    return out
  }

  init(parts: [Part]) { self.parts = parts }

  /// Reads what `encoded` wrote; nil for anything else.
  init?(decoding bytes: [UInt8]) {
    guard bytes.starts(with: Self.header), bytes.last == 10 else { return nil }
    parts = []
    var total: Int64 = 0
    for line in bytes[Self.header.count...].split(separator: 10, omittingEmptySubsequences: false).dropLast() {
      let fields = line.split(separator: 32, omittingEmptySubsequences: false)
      guard fields.count == 2, fields[1].count == 64 else { return nil }
      let digits = String(decoding: fields[0], as: UTF8.self)
      guard let size = Int(digits), size > 0, size <= Frames.mostPlain, String(size) == digits,
        let digest = Digest(String(decoding: fields[1], as: UTF8.self))
      else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(Int64(size))
      if overflow { return nil }
      total = sum
      parts.append(Part(size: size, digest: digest))
    }
  }
}

extension ObjectStore {
  /// The parts of a list; nil when the object is none.
  func list(_ name: Name) throws(StoreError) -> ObjectList? {
    let file = name.path(.list)
    let descriptor: Int32
    do {
      if case .file(let staged, .list)? = shared.withLock({ $0.staged[name] }), let stage {
        descriptor = try fileSystem.open(staged, O_RDONLY | O_NOFOLLOW, in: stage.descriptor, at: "\(path)/\(file)")
      } else {
        descriptor = try fileSystem.open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: root, at: "\(path)/\(file)")
      }
    } catch {
      if error.code == .missing { return nil }
      throw error
    }
    return try list(name, PackFile(pack: 0, descriptor: descriptor, fileSystem))
  }

  func list(_ name: Name, _ file: PackFile) throws(StoreError) -> ObjectList {
    let place = "\(path)/\(name.path(.list))"
    let size = Int(try fileSystem.stat(file.descriptor, at: place).st_size)
    guard size <= ObjectList.mostBytes else { throw setAside(name, .file(file, .list), "its list is too long") }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 8)
    defer { buffer.deallocate() }
    let count = try fileSystem.read(file.descriptor, buffer, from: 0, at: place)
    guard let list = ObjectList(decoding: Array(buffer[..<count])) else {
      throw setAside(name, .file(file, .list), "its list cannot be read")
    }
    return list
  }

  // A list whose parts are open. Parts are objects with one piece each, in packs.
  func openList(_ name: Name, _ file: PackFile) throws(StoreError) -> Stored {
    let list = try list(name, file)
    var sources: [Stored.Source] = []
    var segments: [Segment] = []
    segments.reserveCapacity(list.parts.count)
    for part in list.parts {
      let partName = Name(kind: .object, digest: part.digest)
      let stored: Stored
      do throws(StoreError) {
        // A list of lists would let a hostile cache ask for endless work.
        guard let found = try openPart(partName) else { throw missing(partName) }
        stored = found
      } catch {
        throw StoreError(error.code, "\(error.message); it is a part of \(name.title)", errno: error.errno)
      }
      guard stored.segments.count == 1, var segment = stored.segments.first, segment.plain == part.size else {
        throw setAside(name, .file(file, .list), "its list has a part of another size")
      }
      segment.source = Int32(sources.count)
      sources += stored.sources
      segments.append(segment)
    }
    return Stored(name, sources: sources, segments: segments)
  }

  private func openPart(_ name: Name) throws(StoreError) -> Stored? {
    for _ in 0..<4 {
      if let place = stagedPart(name) { return try openPacked(name, place) }
      guard let place = try index.find(name) else { return nil }
      if let stored = try openPacked(name, place) { return stored }
    }
    return nil
  }
}
