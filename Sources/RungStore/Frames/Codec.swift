internal import CZstd
import Glibc
import RungCore
import Synchronization

/// The zstd contexts and buffers of one thread's work; made once and used again, because making them costs more than
/// compressing a small file.
///
/// Safe to send: a codec is used by one thread at a time, the one that took it out of the pool.
final class Codec: @unchecked Sendable {
  private let compressor: OpaquePointer
  private let decompressor: OpaquePointer
  private var level: Int32 = 0
  /// Plain bytes.
  private(set) var plain: UnsafeMutableRawBufferPointer
  /// Stored bytes, with room for a pack's header before them.
  private(set) var stored: UnsafeMutableRawBufferPointer
  /// What is decoded to be compared, or grouped.
  private(set) var scratch: UnsafeMutableRawBufferPointer

  init() throws(StoreError) {
    guard let compressor = ZSTD_createCCtx() else { throw Self.noMemory }
    guard let decompressor = ZSTD_createDCtx() else {
      ZSTD_freeCCtx(compressor)
      throw Self.noMemory
    }
    self.compressor = compressor
    self.decompressor = decompressor
    plain = .allocate(byteCount: 0, alignment: 64)
    stored = .allocate(byteCount: 0, alignment: 64)
    scratch = .allocate(byteCount: 0, alignment: 64)
    ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, 1)
    ZSTD_CCtx_setParameter(compressor, ZSTD_c_contentSizeFlag, 1)
    // A dictionary id is never wanted, and a streaming reader should not ask for more memory than a frame.
    ZSTD_DCtx_setParameter(decompressor, ZSTD_d_windowLogMax, 27)
  }

  deinit {
    ZSTD_freeCCtx(compressor)
    ZSTD_freeDCtx(decompressor)
    plain.deallocate()
    stored.deallocate()
    scratch.deallocate()
  }

  private static var noMemory: StoreError {
    StoreError(.io, "there is no memory left for zstd; run fewer steps at once (`--jobs`)", errno: ENOMEM)
  }

  /// The most stored bytes that a frame of `plain` bytes can have.
  static func bound(_ plain: Int) -> Int { ZSTD_compressBound(plain) }

  /// Makes the buffers fit for frames of `size` plain bytes. What they held is lost.
  func fit(_ size: Int) {
    guard plain.count < size || plain.isEmpty else { return }
    // Few steps, so that a codec is seldom grown twice.
    let size = max(size, plain.count * 2, 32 << 10)
    plain.deallocate()
    stored.deallocate()
    scratch.deallocate()
    plain = .allocate(byteCount: size, alignment: 64)
    stored = .allocate(byteCount: PackEntry.headerSize + Self.bound(size), alignment: 64)
    scratch = .allocate(byteCount: 2 * size, alignment: 64)
  }

  /// The same, for what a piece of an object needs, whichever of its two sizes is larger.
  func fit(_ segment: Segment) { fit(max(segment.plain, segment.stored)) }

  /// Compresses bytes into one frame and decodes it again to see that it gives them back: a compressor that errs once
  /// in a billion frames must not be believed (restic, issues 4523 and 4677, and zstd, issue 3517, met such ones).
  /// Returns the frame's size; nil when zstd refuses or errs. `target` needs room for `bound`; `scratch` of this codec
  /// is used and must have been made to fit.
  func compress(
    _ bytes: UnsafeRawBufferPointer, planes: BytePlanes, level wanted: Int, into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    if level != Int32(wanted) {
      level = Int32(wanted)
      ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, level)
    }
    var source = bytes
    if planes != .off {
      planes.group(bytes, into: scratch)
      source = UnsafeRawBufferPointer(rebasing: scratch[..<bytes.count])
    }
    let size = ZSTD_compress2(compressor, target.baseAddress, target.count, source.baseAddress, source.count)
    guard ZSTD_isError(size) == 0 else { return nil }
    let check = UnsafeMutableRawBufferPointer(rebasing: scratch[bytes.count..<2 * bytes.count])
    let back = ZSTD_decompressDCtx(decompressor, check.baseAddress, check.count, target.baseAddress, size)
    guard back == bytes.count, Self.areEqual(check, source) else { return nil }
    return size
  }

  private static func areEqual(_ a: UnsafeMutableRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.isEmpty }
    return memcmp(first, second, a.count) == 0
  }

  /// Decodes one frame of exactly `target.count` plain bytes; says what is wrong with it, or nil. `scratch` is used
  /// where `planes` is not `off`, and must have been made to fit.
  func decompress(
    _ frame: UnsafeRawBufferPointer, planes: BytePlanes, into target: UnsafeMutableRawBufferPointer
  ) -> String? {
    let plain = planes != .off ? UnsafeMutableRawBufferPointer(rebasing: scratch[..<target.count]) : target
    // Before decoding: a frame may claim anything.
    guard ZSTD_findFrameCompressedSize(frame.baseAddress, frame.count) == frame.count else {
      return "its bytes are not one whole frame"
    }
    let size = ZSTD_decompressDCtx(decompressor, plain.baseAddress, plain.count, frame.baseAddress, frame.count)
    if ZSTD_isError(size) != 0 { return String(cString: ZSTD_getErrorName(size)) }
    guard size == target.count else { return "a frame has \(size) bytes where \(target.count) were promised" }
    if planes != .off { planes.ungroup(UnsafeRawBufferPointer(plain), into: target) }
    return nil
  }

  /// Decompresses all frames that `next` delivers (it fills a buffer and returns how many bytes; 0 ends), of any size,
  /// and hands the plain bytes over in pieces. Returns what is wrong with the stored bytes, or nil when all is well.
  func decompress(
    next: (UnsafeMutableRawBufferPointer) throws(StoreError) -> Int,
    _ emit: (UnsafeRawBufferPointer) throws(StoreError) -> Void
  ) throws(StoreError) -> String? {
    fit(256 << 10)
    ZSTD_DCtx_reset(decompressor, ZSTD_reset_session_only)
    var hint = 1
    var any = false
    while true {
      let count = try next(stored)
      if count == 0 { return any && hint == 0 ? nil : "it ends in the middle of a frame" }
      any = true
      var source = ZSTD_inBuffer(src: stored.baseAddress, size: count, pos: 0)
      var full = false
      // A full output buffer may hide more of what zstd has already taken in.
      while source.pos < source.size || full {
        var target = ZSTD_outBuffer(dst: plain.baseAddress, size: plain.count, pos: 0)
        let before = source.pos
        hint = ZSTD_decompressStream(decompressor, &target, &source)
        if ZSTD_isError(hint) != 0 { return String(cString: ZSTD_getErrorName(hint)) }
        if target.pos > 0 { try emit(UnsafeRawBufferPointer(rebasing: plain[..<target.pos])) }
        full = target.pos == target.size && hint != 0
        if source.pos == before && target.pos == 0 && !full { break }
      }
    }
  }

  /// The plain size that the header of a stored file's first frame states; nil when it states none.
  static func statedSize(header: UnsafeRawBufferPointer) -> Int64? {
    let size = ZSTD_getFrameContentSize(header.baseAddress, header.count)
    return size > UInt64(Int64.max) ? nil : Int64(size)
  }
}

/// Codecs waiting for work: as many as threads ever worked at once, at most sixteen.
final class CodecPool: Sendable {
  private let idle = Mutex<[Codec]>([])

  func with<Result>(_ body: (Codec) throws(StoreError) -> Result) throws(StoreError) -> Result {
    let codec: Codec
    if let used = idle.withLock({ $0.popLast() }) { codec = used } else { codec = try Codec() }
    defer { idle.withLock { if $0.count < 16 { $0.append(codec) } } }
    return try body(codec)
  }
}
