import Glibc
import RungCore

/// Reads an object of many pieces on several threads: pieces are decoded side by side, and hashed and written in their
/// order as they come. (Two threads that write to one file would only wait for each other in the kernel.) Memory is bounded by the number of threads, not by the object.
///
/// Safe to send: a buffer of the ring, and the place in the target that belongs to it, is used by the one thread to
/// which the state behind the monitor has given it; so is the hash.
final class ReadPipeline: @unchecked Sendable {
  /// Where the plain bytes go.
  enum Target {
    case nowhere
    /// A file, from its beginning.
    case file(Int32, place: String)
    /// Memory of exactly the object's size.
    case memory(UnsafeMutableRawBufferPointer)
  }

  /// What can be wrong.
  enum Problem {
    /// A call failed; nothing is known of the bytes.
    case error(StoreError)
    /// The bytes of one piece are damaged.
    case piece(Int, String)
  }

  private let store: ObjectStore
  private let stored: Stored
  private let target: Target
  private let starts: [Int64]
  private let threads: Int
  private var ring: [UnsafeMutableRawBufferPointer] = []
  private var hash = SHA256()

  private struct State {
    var next = 0
    var hashed = 0
    var isHashing = false
    // All of them where nothing is written.
    var written: Int
    var isWriting = false
    // Decoded, and not yet both hashed and written.
    var decoded: Set<Int> = []
    var problem: Problem?

    // What is hashed and written makes room in the ring.
    mutating func release(_ piece: Int) { if piece < min(hashed, written) { decoded.remove(piece) } }
  }
  private let state: Monitor<State>

  init(_ store: ObjectStore, _ stored: Stored, to target: Target) {
    self.store = store
    self.stored = stored
    self.target = target
    var starts: [Int64] = []
    starts.reserveCapacity(stored.segments.count)
    var start: Int64 = 0
    for segment in stored.segments {
      starts.append(start)
      start += Int64(segment.plain)
    }
    self.starts = starts
    threads = min(store.lanes.width, stored.segments.count)
    var isFile = false
    if case .file = target { isFile = true }
    state = Monitor(State(written: isFile ? 0 : stored.segments.count))
  }

  deinit { for buffer in ring { buffer.deallocate() } }

  /// Reads everything and returns its digest.
  func run() throws(StoreError) -> Result<Digest, Failure> {
    store.lanes.run(threads, prepare: makeRing) { [self] _ in work() }
    switch state.withLock({ $0.problem }) {
    case .error(let error)?: throw error
    case .piece(let piece, let what)?: return .failure(Failure(piece: piece, what: what))
    case nil: return .success(hash.digest())
    }
  }

  private func makeRing(_ threads: Int) {
    // In memory too: it bounds how far decoding may run ahead of hashing.
    let slots = min(2 * threads + 1, stored.segments.count)
    if case .memory = target {
      ring = Array(repeating: .init(start: nil, count: 0), count: slots)
    } else {
      ring = (0..<slots).map { _ in .allocate(byteCount: stored.largest, alignment: 64) }
    }
  }

  struct Failure: Error {
    let piece: Int
    let what: String
  }

  private enum Task {
    case decode(Int)
    case hash(Int)
    case write(Int)
    case stop
  }

  private func work() {
    let problem: Problem?
    do throws(StoreError) {
      problem = try store.codecs.with { codec throws(StoreError) in try work(codec) }
    } catch {
      problem = .error(error)
    }
    if let problem { state.withLock(wake: true) { if $0.problem == nil { $0.problem = problem } } }
  }

  private func work(_ codec: Codec) throws(StoreError) -> Problem? {
    let count = stored.segments.count
    while true {
      let task = state.wait { state -> Task? in
        if state.problem != nil || (state.hashed == count && state.written == count) { return .stop }
        // Hashing is the one thing that cannot be done by two; whoever can goes on with it.
        if !state.isHashing && state.decoded.contains(state.hashed) {
          state.isHashing = true
          return .hash(state.hashed)
        }
        if !state.isWriting && state.decoded.contains(state.written) {
          state.isWriting = true
          return .write(state.written)
        }
        if state.next < count && state.next - min(state.hashed, state.written) < ring.count {
          state.next += 1
          return .decode(state.next - 1)
        }
        return nil
      }
      switch task {
      case .stop: return nil
      case .hash(let piece):
        hash.update(UnsafeRawBufferPointer(buffer(piece)))
        state.withLock(wake: true) { state in
          state.hashed += 1
          state.isHashing = false
          state.release(piece)
        }
      case .decode(let piece):
        let buffer = buffer(piece)
        if let problem = try store.decode(stored, piece, into: buffer, codec) { return .piece(piece, problem) }
        state.withLock(wake: true) { _ = $0.decoded.insert(piece) }
      case .write(let piece):
        if case .file(let descriptor, let place) = target {
          try store.fileSystem.write(descriptor, UnsafeRawBufferPointer(buffer(piece)), from: starts[piece], at: place)
        }
        state.withLock(wake: true) { state in
          state.written += 1
          state.isWriting = false
          state.release(piece)
        }
      }
    }
  }

  private func buffer(_ piece: Int) -> UnsafeMutableRawBufferPointer {
    let count = stored.segments[piece].plain
    if case .memory(let memory) = target {
      let start = Int(starts[piece])
      return UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + count])
    }
    return UnsafeMutableRawBufferPointer(rebasing: ring[piece % ring.count][..<count])
  }
}
