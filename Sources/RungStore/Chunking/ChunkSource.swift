import Glibc
import RungCore
import Synchronization

/// A large file that is cut into chunks, on all processors and in bounded memory.
final class ChunkSource: Sendable {
  private let store: ObjectStore
  private let descriptor: Int32
  private let size: Int64
  private let place: String

  /// The descriptor stays the caller's.
  init(_ store: ObjectStore, _ descriptor: Int32, size: Int64, at place: String) {
    self.store = store
    self.descriptor = descriptor
    self.size = size
    self.place = place
  }

  private struct Work: Sendable {
    var isHashingWhole = false
    var isCutting = false
    var isCut = false
    var chunks: [(start: Int64, size: Int)] = []
    var next = 0
    var digests: [Int: Digest] = [:]
    var whole: Digest?
    var failure: StoreError?
  }

  private enum Task {
    case whole, cut, stop
    case chunk(Int, start: Int64, size: Int)
  }

  /// The digest of the whole and of each chunk. One thread hashes the whole while another finds the cuts, and whoever has
  /// nothing else to do hashes chunks as soon as they are known.
  func chunks() throws(StoreError) -> (digest: Digest, list: ObjectList) {
    let cuts = try TensorBoundaries.offsets(size: size) { offset, count throws(StoreError) in
      try read(offset, Int(count))
    }
    let work = Monitor(Work())
    store.lanes.run(store.lanes.width) { [self] _ in
      do throws(StoreError) {
        try run(work, cuts)
      } catch {
        work.withLock(wake: true) { if $0.failure == nil { $0.failure = error } }
      }
    }
    let done = work.withLock { $0 }
    if let failure = done.failure { throw failure }
    guard let whole = done.whole, done.digests.count == done.chunks.count else {
      throw StoreError(.io, "\(place) was not hashed to its end")
    }
    let parts = done.chunks.enumerated().compactMap { index, chunk in
      done.digests[index].map { ObjectList.Part(size: chunk.size, digest: $0) }
    }
    return (whole, ObjectList(parts: parts))
  }

  private func run(_ work: Monitor<Work>, _ cuts: [Int64]) throws(StoreError) {
    while true {
      let task = work.wait { work -> Task? in
        if work.failure != nil { return .stop }
        if !work.isHashingWhole {
          work.isHashingWhole = true
          return .whole
        }
        if !work.isCutting {
          work.isCutting = true
          return .cut
        }
        if work.next < work.chunks.count {
          let chunk = work.chunks[work.next]
          work.next += 1
          return .chunk(work.next - 1, start: chunk.start, size: chunk.size)
        }
        return work.isCut ? .stop : nil
      }
      switch task {
      case .stop: return
      case .whole:
        let whole = try store.digest(open: descriptor, size: size, at: place).digest
        work.withLock(wake: true) { $0.whole = whole }
      case .cut: try cut(cuts, work)
      case .chunk(let index, let start, let size):
        let digest = try withBytes(start, size) { Self.digest($0) }
        work.withLock { $0.digests[index] = digest }
      }
    }
  }

  private func cut(_ cuts: [Int64], _ work: Monitor<Work>) throws(StoreError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Frames.plain, alignment: 64)
    defer { buffer.deallocate() }
    var chunker = Chunker(cuts: cuts)
    var offset: Int64 = 0
    var start: Int64 = 0
    while offset < size {
      let count = try store.fileSystem.read(descriptor, buffer, from: offset, at: place)
      if count == 0 { throw StoreError(.changed, "\(place) changed while it was being stored") }
      var found: [(Int64, Int)] = []
      for length in chunker.lengths(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
        found.append((start, length))
        start += Int64(length)
      }
      offset += Int64(count)
      if offset >= size && chunker.unfinished > 0 { found.append((start, chunker.unfinished)) }
      let isLast = offset >= size
      work.withLock(wake: true) { work in
        work.chunks += found
        work.isCut = isLast
      }
    }
  }

  /// Puts the chunks that are not there yet. Each is hashed again: what is stored has the name that it is given, whatever
  /// happened to the file meanwhile. Throws `changed` when one no longer has it.
  func putParts(_ list: ObjectList, _ compression: Compression) throws(StoreError) {
    let way = try Levels.way(of: descriptor, size: size, compression, store, at: place)
    var start: Int64 = 0
    var jobs: [(start: Int64, part: ObjectList.Part)] = []
    var seen: Set<Digest> = []
    for part in list.parts {
      if seen.insert(part.digest).inserted, try !store.hasPart(part.digest) { jobs.append((start, part)) }
      start += Int64(part.size)
    }
    let failure = Mutex<StoreError?>(nil)
    let next = Atomic<Int>(0)
    let todo = jobs
    store.lanes.run(min(store.lanes.width, todo.count)) { [self] _ in
      while failure.withLock({ $0 == nil }) {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < todo.count else { return }
        do throws(StoreError) {
          try put(todo[number].part, from: todo[number].start, way)
        } catch {
          failure.withLock { if $0 == nil { $0 = error } }
        }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private func put(_ part: ObjectList.Part, from start: Int64, _ way: Levels.Way) throws(StoreError) {
    let name = ObjectStore.Name(kind: .object, digest: part.digest)
    try withBytes(start, part.size) { bytes throws(StoreError) in
      guard Self.digest(bytes) == part.digest else {
        throw StoreError(.changed, "\(place) changed while it was being stored")
      }
      try store.codecs.with { codec throws(StoreError) in
        codec.fit(bytes.count)
        try store.stagePacked(
          name, bytes, planes: way.planes, level: way.level ?? Levels.large, codec,
          isPart: true)
      }
    }
  }

  private static func digest(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var hash = SHA256()
    hash.update(bytes)
    return hash.digest()
  }

  private func withBytes<T>(
    _ start: Int64, _ count: Int, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> T
  ) throws(StoreError) -> T {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
    defer { buffer.deallocate() }
    let read = try store.fileSystem.read(
      descriptor, UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), from: start, at: place)
    guard read == count else { throw StoreError(.changed, "\(place) changed while it was being stored") }
    return try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }

  private func read(_ offset: Int64, _ count: Int) throws(StoreError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
    defer { buffer.deallocate() }
    let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
    let read = try store.fileSystem.read(descriptor, room, from: offset, at: place)
    return Array(room[..<read])
  }
}
