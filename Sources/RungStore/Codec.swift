internal import CZstd
import Glibc
import RungCore
import Synchronization

/// The zstd contexts and buffers of one thread's work; made once and used again, because making them costs more than
/// compressing a small file.
///
/// Safe to send: a codec is used by one thread at a time, the one that took it out of the pool.
final class Codec: @unchecked Sendable {
  // A level that costs about as much as reading the bytes; what is worth more can be compressed again later.
  static let level: Int32 = 3
  // Plain bytes per step; a file of at most this size is hashed, compressed and written without a second look.
  static let chunk = 256 << 10

  private let compressor: OpaquePointer
  private let decompressor: OpaquePointer
  /// Plain bytes going in, or stored bytes coming out of a file.
  let input: UnsafeMutableRawBufferPointer
  /// Stored bytes going to a file, or plain bytes coming out.
  let output: UnsafeMutableRawBufferPointer

  init() {
    guard let compressor = ZSTD_createCCtx(), let decompressor = ZSTD_createDCtx() else {
      fatalError("no memory for a zstd context")  // as any other allocation in Swift
    }
    self.compressor = compressor
    self.decompressor = decompressor
    input = .allocate(byteCount: Self.chunk, alignment: 16)
    output = .allocate(byteCount: ZSTD_compressBound(Self.chunk), alignment: 16)
    ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, Self.level)
    ZSTD_CCtx_setParameter(compressor, ZSTD_c_checksumFlag, 1)
    ZSTD_CCtx_setParameter(compressor, ZSTD_c_contentSizeFlag, 1)
  }

  deinit {
    ZSTD_freeCCtx(compressor)
    ZSTD_freeDCtx(decompressor)
    input.deallocate()
    output.deallocate()
  }

  /// Starts a frame of exactly `size` plain bytes.
  func beginFrame(size: Int64) {
    ZSTD_CCtx_reset(compressor, ZSTD_reset_session_only)
    ZSTD_CCtx_setPledgedSrcSize(compressor, UInt64(size))
  }

  /// Compresses `bytes` and hands the result over in pieces; `last` ends the frame. False when zstd refuses, which it
  /// does only when the frame's bytes are more or fewer than promised.
  func compress(
    _ bytes: UnsafeRawBufferPointer, last: Bool, _ emit: (UnsafeRawBufferPointer) throws(StoreError) -> Void
  ) throws(StoreError) -> Bool {
    var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    while true {
      var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
      let left = ZSTD_compressStream2(compressor, &target, &source, last ? ZSTD_e_end : ZSTD_e_continue)
      if ZSTD_isError(left) != 0 { return false }
      if target.pos > 0 { try emit(UnsafeRawBufferPointer(rebasing: output[..<target.pos])) }
      if last ? left == 0 : source.pos == source.size { return true }
    }
  }

  /// Decompresses all frames that `next` delivers (it fills a buffer and returns how many bytes; 0 ends) and hands the
  /// plain bytes over in pieces. Returns what is wrong with the stored bytes, or nil when all is well.
  func decompress(
    next: (UnsafeMutableRawBufferPointer) throws(StoreError) -> Int,
    _ emit: (UnsafeRawBufferPointer) throws(StoreError) -> Void
  ) throws(StoreError) -> String? {
    ZSTD_DCtx_reset(decompressor, ZSTD_reset_session_only)
    var hint = 1
    var any = false
    while true {
      let count = try next(input)
      if count == 0 { return any && hint == 0 ? nil : "it ends in the middle of a frame" }
      any = true
      var source = ZSTD_inBuffer(src: input.baseAddress, size: count, pos: 0)
      var full = false
      // A full output buffer may hide more of what zstd has already taken in.
      while source.pos < source.size || full {
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let before = source.pos
        hint = ZSTD_decompressStream(decompressor, &target, &source)
        if ZSTD_isError(hint) != 0 { return String(cString: ZSTD_getErrorName(hint)) }
        if target.pos > 0 { try emit(UnsafeRawBufferPointer(rebasing: output[..<target.pos])) }
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
    let codec = idle.withLock { $0.popLast() } ?? Codec()
    defer { idle.withLock { if $0.count < 16 { $0.append(codec) } } }
    return try body(codec)
  }
}
