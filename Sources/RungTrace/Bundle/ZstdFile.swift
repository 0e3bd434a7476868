import CZstd
import Glibc
import RungCore

/// Writes a file as one zstd frame with a checksum, as it comes.
final class ZstdWriter {
  private let file: Int32
  private let path: String
  private let context: OpaquePointer
  private var room: [UInt8]

  /// A new file; there must be none of the name.
  init(_ path: String) throws(BundleError) {
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw Self.failure("write", path) }
    guard let context = ZSTD_createCCtx() else {
      Glibc.close(file)
      throw BundleError("there is no memory for zstd", isMachineFault: true)
    }
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    self.file = file
    self.path = path
    self.context = context
    room = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
  }

  deinit {
    ZSTD_freeCCtx(context)
    Glibc.close(file)
  }

  /// Takes bytes; `isLast` ends the frame and makes the file durable.
  func write(_ bytes: [UInt8], isLast: Bool = false) throws(BundleError) {
    var done = 0
    while true {
      let (rest, read, made) = bytes.withUnsafeBytes { source in
        room.withUnsafeMutableBytes { target -> (Int, Int, Int) in
          var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: done)
          var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
          let rest = ZSTD_compressStream2(context, &output, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
          return (rest, input.pos, output.pos)
        }
      }
      guard ZSTD_isError(rest) == 0 else { throw BundleError("zstd cannot go on", isMachineFault: true) }
      done = read
      try put(made)
      if isLast ? rest == 0 : done == bytes.count { break }
    }
    if isLast, fsync(file) != 0 { throw Self.failure("write", path) }
  }

  private func put(_ count: Int) throws(BundleError) {
    var done = 0
    while done < count {
      let moved = room[done..<count].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if moved < 0 {
        if errno == EINTR { continue }
        throw Self.failure("write", path)
      }
      done += moved
    }
  }

  static func failure(_ verb: String, _ path: String) -> BundleError {
    BundleError("cannot \(verb) \(path): \(String(cString: strerror(errno)))", isMachineFault: errno != ENOENT)
  }
}

/// Reads the plain bytes of a file of zstd frames.
final class ZstdReader {
  private let file: Int32
  private let path: String
  private let context: OpaquePointer
  private var source: [UInt8]
  private var filled = 0
  private var taken = 0
  private var isAtFrameEnd = true

  init(_ path: String) throws(BundleError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw ZstdWriter.failure("read", path) }
    guard let context = ZSTD_createDCtx() else {
      Glibc.close(file)
      throw BundleError("there is no memory for zstd", isMachineFault: true)
    }
    // Memory that a foreign file may ask for: 128 MiB.
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
    self.file = file
    self.path = path
    self.context = context
    source = [UInt8](repeating: 0, count: ZSTD_DStreamInSize())
  }

  deinit {
    ZSTD_freeDCtx(context)
    Glibc.close(file)
  }

  /// Up to `most` bytes; fewer mean the end. Throws when the file is not zstd, damaged or cut short.
  func read(_ most: Int) throws(BundleError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: most)
    var done = 0
    while done < most {
      if taken == filled {
        let count = source.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
        if count < 0 {
          if errno == EINTR { continue }
          throw ZstdWriter.failure("read", path)
        }
        if count == 0 {
          guard isAtFrameEnd else { throw BundleError("\(path) ends too early: it is a part of a bundle") }
          break
        }
        filled = count
        taken = 0
      }
      let (rest, read, made) = source.withUnsafeBytes { source in
        result.withUnsafeMutableBytes { target -> (Int, Int, Int) in
          var input = ZSTD_inBuffer(src: source.baseAddress, size: filled, pos: taken)
          var output = ZSTD_outBuffer(dst: target.baseAddress, size: most, pos: done)
          let rest = ZSTD_decompressStream(context, &output, &input)
          return (rest, input.pos, output.pos)
        }
      }
      guard ZSTD_isError(rest) == 0 else {
        throw BundleError(
          "\(path) is no bundle, or a damaged one: \(String(cString: ZSTD_getErrorName(rest)))")
      }
      isAtFrameEnd = rest == 0
      taken = read
      done = made
    }
    return Array(result.prefix(done))
  }
}
