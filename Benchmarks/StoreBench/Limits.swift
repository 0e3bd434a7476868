import Glibc
import RungCore
import RungStore

func hash(_ path: String) throws(StoreError) -> Report {
  let memory = try Memory(of: path)
  let watch = Stopwatch()
  var hash = SHA256()
  hash.update(UnsafeRawBufferPointer(memory.bytes))
  let digest = hash.digest()
  var report = watch.report()
  report.add("bytes", Int64(memory.bytes.count))
  report.add("digest", plain: digest.hex)
  return report
}

/// `staged` is the time without the sync.
func write(_ path: String, _ target: String) throws(StoreError) -> Report {
  let memory = try Memory(of: path)
  let size = 1 << 20
  let watch = Stopwatch()
  let file = try Target(target)
  for index in 0..<(memory.bytes.count + size - 1) / size { file.write(memory.piece(index, of: size)) }
  let staged = watch.seconds
  try file.sync()
  var report = watch.report()
  report.add("staged", staged)
  report.add("bytes", Int64(memory.bytes.count))
  return report
}

/// The paths are found before the clock runs, and are relative to the folder.
func lookAt(_ folder: String) throws(StoreError) -> Report {
  guard chdir(folder) == 0 else { throw systemError("go to", folder) }
  var files: [[CChar]] = []
  var folders: [[CChar]] = [[46, 0]]
  while let folder = folders.popLast() {
    guard let stream = opendir(folder) else {
      throw systemError("list", String(decoding: folder.map(UInt8.init), as: UTF8.self))
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
        raw.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
      }
      if name == [46, 0] || name == [46, 46, 0] { continue }
      let path = folder.dropLast() + [47] + name
      if Int(entry.pointee.d_type) == DT_DIR { folders.append(Array(path)) } else { files.append(Array(path)) }
    }
  }
  var status = stat()
  var bytes: Int64 = 0
  let watch = Stopwatch()
  for file in files {
    guard lstat(file, &status) == 0 else { throw systemError("look at a file below", folder) }
    bytes += Int64(status.st_size)
  }
  var report = watch.report()
  report.add("files", Int64(files.count))
  report.add("bytes", bytes)
  return report
}
