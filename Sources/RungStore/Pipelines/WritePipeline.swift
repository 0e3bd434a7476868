import Glibc
import RungCore

/// Stores a large file on several threads and in one pass: blocks are read in their order, hashed in their order,
/// compressed side by side, and written in their order. Memory is bounded by the number of threads, not by the file.
///
/// Each thread takes whatever can be done next; so on two processors one of them need not wait until the other, which
/// has the slower part, is done with it.
///
/// Safe to send: a block is used by the one thread to which the state behind the monitor has given it (hashing and
/// compressing only read its plain bytes and may happen at once); so are the hash, the table and the counts.
final class WritePipeline: @unchecked Sendable {
  private struct Block {
    var plain: UnsafeMutableRawBufferPointer
    var stored: UnsafeMutableRawBufferPointer
    var count = 0
    var storedCount = 0
  }

  private let store: ObjectStore
  private let source: Int32
  private let sourcePlace: String
  private let target: Int32
  private let targetPlace: String
  private let size: Int64
  private let planes: BytePlanes
  // Nil: nothing is compressed.
  private let level: Int?
  private let count: Int
  private let threads: Int
  // Plain memory and no array: threads change different blocks of it at the same time.
  private var ring = UnsafeMutableBufferPointer<Block>(start: nil, count: 0)
  private var hash = SHA256()
  private var table = SeekTable()
  /// Of bytes that are stored as they are: the checksum of each block.
  private(set) var sums: [UInt32] = []
  // Of the target: what has been written, and up to where the disk was told to begin with it.
  private var writtenBytes: Int64 = 0
  private var startedBytes: Int64 = 0
  private static let stretch: Int64 = 16 << 20

  private struct State {
    var read = 0
    var hashed = 0
    var written = 0
    var nextToCompress = 0
    var isReading = false
    var isHashing = false
    var isWriting = false
    var compressed: Set<Int> = []
    var failure: StoreError?
  }
  private let state = Monitor(State())

  /// `level` nil stores the bytes as they are.
  init(
    _ store: ObjectStore, from source: Int32, at sourcePlace: String, size: Int64, planes: BytePlanes, level: Int?,
    to target: Int32, at targetPlace: String
  ) {
    self.store = store
    self.source = source
    self.sourcePlace = sourcePlace
    self.target = target
    self.targetPlace = targetPlace
    self.size = size
    self.planes = planes
    self.level = level
    count = Int((size + Int64(Frames.plain) - 1) / Int64(Frames.plain))
    threads = min(store.lanes.width, count)
  }

  private func makeRing(_ threads: Int) {
    ring = .allocate(capacity: min(2 * threads + 2, count))
    for slot in ring.indices {
      let block = Block(
        plain: .allocate(byteCount: Frames.plain, alignment: 64),
        stored: .allocate(byteCount: level == nil ? 0 : Codec.bound(Frames.plain), alignment: 64))
      ring.initializeElement(at: slot, to: block)
    }
  }

  deinit {
    for block in ring {
      block.plain.deallocate()
      block.stored.deallocate()
    }
    ring.deallocate()
  }

  /// Stores the whole file and returns its digest. Throws `changed` when it is shorter than `size`.
  func run() throws(StoreError) -> Digest {
    store.lanes.run(threads, prepare: makeRing) { [self] _ in work() }
    if let failure = state.withLock({ $0.failure }) { throw failure }
    if level != nil {
      try table.encoded.withRaw { bytes throws(StoreError) in
        try store.fileSystem.write(target, bytes, at: targetPlace)
      }
    }
    return hash.digest()
  }

  private enum Task {
    case read(Int)
    case hash(Int)
    case compress(Int)
    case write(Int)
    case stop
  }

  private func next(_ state: inout State) -> Task? {
    if state.failure != nil || (state.hashed == count && state.written == count) { return .stop }
    // Hashing first: it is the one thing that cannot be done by two, and the rest waits for it in the end.
    if !state.isHashing && state.hashed < state.read {
      state.isHashing = true
      return .hash(state.hashed)
    }
    let canWrite = level == nil ? state.written < state.read : state.compressed.contains(state.written)
    if !state.isWriting && canWrite {
      state.isWriting = true
      return .write(state.written)
    }
    if !state.isReading && state.read < count && state.read - min(state.hashed, state.written) < ring.count {
      state.isReading = true
      return .read(state.read)
    }
    if level != nil && state.nextToCompress < state.read {
      state.nextToCompress += 1
      return .compress(state.nextToCompress - 1)
    }
    return nil
  }

  private func work() {
    do throws(StoreError) {
      try store.codecs.with { codec throws(StoreError) in
        codec.fit(level == nil ? 0 : Frames.plain)
        while true {
          let task = state.wait { next(&$0) }
          if case .stop = task { return }
          try perform(task, codec)
        }
      }
    } catch {
      state.withLock(wake: true) { if $0.failure == nil { $0.failure = error } }
    }
  }

  private func perform(_ task: Task, _ codec: Codec) throws(StoreError) {
    switch task {
    case .stop: break
    case .read(let number):
      let offset = Int64(number) * Int64(Frames.plain)
      let wanted = Int(min(Int64(Frames.plain), size - offset))
      let block = UnsafeMutableRawBufferPointer(rebasing: ring[number % ring.count].plain[..<wanted])
      guard try store.fileSystem.read(source, block, from: offset, at: sourcePlace) == wanted else {
        throw StoreError(.changed, "\(sourcePlace) changed while it was being stored")
      }
      ring[number % ring.count].count = wanted
      state.withLock(wake: true) { state in
        state.read += 1
        state.isReading = false
      }
    case .hash(let number):
      hash.update(plain(number))
      state.withLock(wake: true) { state in
        state.hashed += 1
        state.isHashing = false
      }
    case .compress(let number):
      let slot = number % ring.count
      guard let stored = codec.compress(plain(number), planes: planes, level: level ?? 1, into: ring[slot].stored)
      else {
        throw StoreError(
          .io,
          "\(sourcePlace) did not come back as it was after it was compressed: this machine's memory, or its zstd, errs"
        )
      }
      ring[slot].storedCount = stored
      state.withLock(wake: true) { _ = $0.compressed.insert(number) }
    case .write(let number):
      let block = ring[number % ring.count]
      var bytes = plain(number)
      if level != nil {
        bytes = UnsafeRawBufferPointer(rebasing: block.stored[..<block.storedCount])
        table.append(stored: block.storedCount, plain: block.count)
      } else {
        sums.append(CRC32C.of(bytes))
      }
      try store.fileSystem.write(target, bytes, at: targetPlace)
      writtenBytes += Int64(bytes.count)
      // In long stretches, or the disk would be busy with their beginnings and ends.
      if store.durability == .full, writtenBytes - startedBytes >= Self.stretch {
        store.fileSystem.startSync(target, from: startedBytes, count: Int(writtenBytes - startedBytes))
        startedBytes = writtenBytes
      }
      state.withLock(wake: true) { state in
        state.compressed.remove(number)
        state.written += 1
        state.isWriting = false
      }
    }
  }

  private func plain(_ number: Int) -> UnsafeRawBufferPointer {
    let block = ring[number % ring.count]
    return UnsafeRawBufferPointer(rebasing: block.plain[..<block.count])
  }
}
