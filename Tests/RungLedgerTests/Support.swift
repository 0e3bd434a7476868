import Glibc
import RungCore

@testable import RungLedger

/// Runs `body` with a new empty folder and removes it afterwards; it holds files only.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
  var template = Array((access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp").utf8CString.dropLast())
  template += Array("/rung-ledger-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw LedgerError(.io, "mkdtemp failed") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer {
    if let folder = opendir(path) {
      while let entry = readdir(folder) {
        _ = withUnsafePointer(to: &entry.pointee.d_name) { name in
          name.withMemoryRebound(to: CChar.self, capacity: 256) { unlinkat(dirfd(folder), $0, 0) }
        }
      }
      closedir(folder)
    }
    rmdir(path)
  }
  return try body(path)
}

func withLedger<T>(_ body: (Ledger) throws -> T) throws -> T {
  try withFolder { try body(Ledger(path: "\($0)/index.sqlite", durable: false)) }
}

func size(_ path: String) -> Int64 {
  var status = stat()
  return stat(path, &status) == 0 ? Int64(status.st_size) : -1
}

func write(_ bytes: [UInt8], to path: String) throws {
  let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
  defer { close(file) }
  guard bytes.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == bytes.count else {
    throw LedgerError(.io, "cannot write \(path)")
  }
}

/// Through another process: opening a database's file in this one would drop SQLite's locks.
func copy(_ from: String, _ to: String) throws {
  guard let pipe = popen("cp '\(from)' '\(to)'", "re"), pclose(pipe) == 0 else {
    throw LedgerError(.io, "cannot copy \(from)")
  }
}

/// The error of a body that has to fail with a LedgerError.
func error<T>(_ body: () throws -> T) -> LedgerError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? LedgerError
  }
}

/// Runs `body` on as many threads and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Work: Sendable {
    let body: @Sendable (Int) -> Void
    let index: Int
    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }
  var threads: [pthread_t] = []
  for index in 0..<count {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(index, body)).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        let work = Unmanaged<Work>.fromOpaque(raw).takeRetainedValue()
        work.body(work.index)
        return nil
      }, work)
    if code == 0 { threads.append(thread) }
  }
  for thread in threads { pthread_join(thread, nil) }
}

/// Runs a shell command and returns what it printed; nil when it failed.
func shell(_ command: String) -> String? {
  guard let pipe = popen(command, "re") else { return nil }
  var output: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = fread(&buffer, 1, buffer.count, pipe)
    if count == 0 { break }
    output += buffer[..<count]
  }
  return pclose(pipe) == 0 ? String(decoding: output, as: UTF8.self) : nil
}

/// Whether this process may mount; then a test can have a folder that not even root can write to.
let canMount =
  shell("d=$(mktemp -d) && mount -t tmpfs none $d 2>/dev/null && umount $d; e=$?; rmdir $d; exit $e") != nil

/// Runs `body` while the folder is mounted read-only.
func whileReadOnly<T>(_ folder: String, _ body: () throws -> T) throws -> T {
  guard shell("mount --bind '\(folder)' '\(folder)' && mount -o remount,bind,ro '\(folder)'") != nil else {
    throw LedgerError(.io, "cannot mount \(folder)")
  }
  // Lazily: what is still open in it goes with its owner.
  defer { _ = shell("umount -l '\(folder)'") }
  return try body()
}
