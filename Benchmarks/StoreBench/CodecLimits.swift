import CZstd
import Glibc
import RungCore
import RungStore
import Synchronization

/// What the store's frames hold of plain bytes.
let frameSize = 2 << 20

/// How frames are compressed: a level of zstd, and how many bytes wide the numbers are whose bytes are grouped before.
struct Way {
  let level: Int32
  let planes: Int

  /// Reads `1` or `1p4`.
  init(_ text: String) throws(StoreError) {
    let parts = text.split(separator: "p", omittingEmptySubsequences: false).map(String.init)
    level = try number(parts[0])
    planes = parts.count == 2 ? try number(parts[1]) : 1
    guard parts.count <= 2, [1, 2, 4, 8].contains(planes) else {
      throw StoreError(.badPath, "'\(text)' is no way to compress")
    }
  }
}

/// One thread hashes all, in order, and helps when it is done; the others compress frames that know nothing of each
/// other. With a target what comes out is written there, in any order.
func compress(_ path: String, _ way: Way, to target: String?) throws(StoreError) -> Report {
  let memory = try Memory(of: path)
  let file = try target.map { path throws(StoreError) in try Target(path) }
  let taken = Atomic(0)
  let written = Atomic(0)
  let name = Mutex(Digest.empty)
  let workers = (0..<cores).map { _ in Compressor(way) }
  let count = (memory.bytes.count + frameSize - 1) / frameSize
  let watch = Stopwatch()
  onAllCores { thread in
    if thread == 0 {
      var hash = SHA256()
      hash.update(UnsafeRawBufferPointer(memory.bytes))
      name.withLock { $0 = hash.digest() }
    }
    while true {
      let index = taken.add(1, ordering: .relaxed).oldValue
      if index >= count { return }
      let packed = workers[thread].compress(memory.piece(index, of: frameSize))
      file?.write(packed)
      written.add(packed.count, ordering: .relaxed)
    }
  }
  var report = watch.report()
  report.add("bytes", Int64(memory.bytes.count))
  report.add("packed", Int64(written.load(ordering: .relaxed)))
  report.add("threads", Int64(cores))
  report.add("digest", plain: name.withLock { $0 }.hex)
  return report
}

/// Frames are decompressed by whoever has nothing to do, and hashed in order. With a target they are written there.
func decompress(_ path: String, _ way: Way, to target: String?) throws(StoreError) -> Report {
  let packed = try Packed(Memory(of: path), way)
  let file = try target.map { path throws(StoreError) in try Target(path) }
  let window = 4 * cores
  let plain = Memory(count: window * frameSize)
  let workers = (0..<cores).map { _ in Decompressor(planes: way.planes) }
  let line = Line(count: packed.frames.count, window: window)
  let hash = Mutex(SHA256())
  let watch = Stopwatch()
  onAllCores { thread in
    var turn: Line.Turn?
    while let next = line.next(after: turn) {
      turn = next
      switch next {
      case .any(let index):
        let slot = UnsafeMutableRawBufferPointer(
          rebasing: plain.bytes[index % window * frameSize..<(index % window + 1) * frameSize])
        let size = min(frameSize, packed.plain - index * frameSize)
        workers[thread].decompress(packed.frame(index), to: UnsafeMutableRawBufferPointer(rebasing: slot[..<size]))
        file?.write(UnsafeRawBufferPointer(rebasing: slot[..<size]), at: index * frameSize)
      case .ordered(let index):
        let size = min(frameSize, packed.plain - index * frameSize)
        let bytes = plain.piece(index % window, of: frameSize)
        hash.withLock { $0.update(UnsafeRawBufferPointer(rebasing: bytes[..<size])) }
      }
    }
  }
  var report = watch.report()
  report.add("bytes", Int64(packed.plain))
  report.add("packed", Int64(packed.memory.bytes.count))
  report.add("threads", Int64(cores))
  report.add("digest", plain: hash.withLock { $0.digest() }.hex)
  return report
}

/// A file as frames in memory, one after the other.
private struct Packed: Sendable {
  let plain: Int
  let memory: Memory
  let frames: [Range<Int>]

  init(_ source: Memory, _ way: Way) {
    plain = source.bytes.count
    let count = (plain + frameSize - 1) / frameSize
    let room = ZSTD_compressBound(frameSize)
    let parts = (0..<cores).map { _ in Memory(count: (count + cores - 1) / cores * room) }
    let sizes = Mutex([Int](repeating: 0, count: count))
    let slots = cores
    onAllCores { thread in
      let worker = Compressor(way)
      for index in stride(from: thread, to: count, by: slots) {
        let packed = worker.compress(source.piece(index, of: frameSize))
        UnsafeMutableRawBufferPointer(rebasing: parts[thread].bytes[index / slots * room..<(index / slots + 1) * room])
          .copyMemory(from: packed)
        sizes.withLock { $0[index] = packed.count }
      }
    }
    var frames: [Range<Int>] = []
    for size in sizes.withLock({ $0 }) {
      let start = frames.last?.upperBound ?? 0
      frames.append(start..<start + size)
    }
    memory = Memory(count: frames.last?.upperBound ?? 0)
    for (index, place) in frames.enumerated() {
      let from = index / slots * room
      UnsafeMutableRawBufferPointer(rebasing: memory.bytes[place])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: parts[index % slots].bytes[from..<from + place.count]))
    }
    self.frames = frames
  }

  func frame(_ index: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory.bytes[frames[index]]) }
}

/// Compresses one frame after the other into memory of its own. For one thread at a time, hence safe to send.
private final class Compressor: @unchecked Sendable {
  private let context: OpaquePointer
  private let planes: Int
  private let grouped = Memory(count: frameSize)
  private let output = Memory(count: ZSTD_compressBound(frameSize))

  init(_ way: Way) {
    guard let context = ZSTD_createCCtx() else { fatalError("no memory for a zstd context") }
    self.context = context
    planes = way.planes
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, way.level)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit { ZSTD_freeCCtx(context) }

  func compress(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    var source = bytes
    if planes > 1 {
      group(bytes, grouped.bytes, planes: planes, back: false)
      source = UnsafeRawBufferPointer(rebasing: grouped.bytes[..<bytes.count])
    }
    let size = ZSTD_compress2(context, output.bytes.baseAddress, output.bytes.count, source.baseAddress, source.count)
    guard ZSTD_isError(size) == 0 else { fatalError("zstd refuses to compress") }
    return UnsafeRawBufferPointer(rebasing: output.bytes[..<size])
  }
}

/// The way back. For one thread at a time, hence safe to send.
private final class Decompressor: @unchecked Sendable {
  private let context: OpaquePointer
  private let planes: Int
  private let grouped = Memory(count: frameSize)

  init(planes: Int) {
    guard let context = ZSTD_createDCtx() else { fatalError("no memory for a zstd context") }
    self.context = context
    self.planes = planes
  }

  deinit { ZSTD_freeDCtx(context) }

  func decompress(_ packed: UnsafeRawBufferPointer, to plain: UnsafeMutableRawBufferPointer) {
    let target = planes > 1 ? UnsafeMutableRawBufferPointer(rebasing: grouped.bytes[..<plain.count]) : plain
    let size = ZSTD_decompressDCtx(context, target.baseAddress, target.count, packed.baseAddress, packed.count)
    guard size == plain.count else { fatalError("zstd cannot read what it wrote") }
    if planes > 1 { group(UnsafeRawBufferPointer(target), plain, planes: planes, back: true) }
  }
}

/// Brings the first bytes of all numbers together, then the second bytes, and so on; or back. What is left over at the
/// end stays where it is.
private func group(
  _ from: UnsafeRawBufferPointer, _ to: UnsafeMutableRawBufferPointer, planes: Int, back: Bool
) {
  guard let source = from.baseAddress, let target = to.baseAddress else { return }
  let count = from.count / planes
  for plane in 0..<planes {
    let line = plane * count
    if back {
      for index in 0..<count {
        target.storeBytes(
          of: source.load(fromByteOffset: line + index, as: UInt8.self), toByteOffset: index * planes + plane,
          as: UInt8.self)
      }
    } else {
      for index in 0..<count {
        target.storeBytes(
          of: source.load(fromByteOffset: index * planes + plane, as: UInt8.self), toByteOffset: line + index,
          as: UInt8.self)
      }
    }
  }
  for index in count * planes..<from.count {
    target.storeBytes(of: source.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index, as: UInt8.self)
  }
}
