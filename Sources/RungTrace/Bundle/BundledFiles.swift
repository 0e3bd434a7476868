import Glibc
import RungCore
import RungModel

/// The declarations of a project in memory, as if everything that they name were there.
struct BundledFiles {
  private let files: [RelativePath: [UInt8]]

  init(_ files: [RelativePath: [UInt8]]) { self.files = files }

  var access: ProjectFiles {
    let files = files
    return ProjectFiles(
      read: { path, limit in files[path].map { Array($0.prefix(limit + 1)) } },
      kind: { path in
        if files[path] != nil { return .file }
        return files.keys.contains { $0.isInside(path) } ? .directory : .file
      },
      list: { folder in
        Set(files.keys.filter { $0.isInside(folder) }.map { $0.components[folder.components.count] }).map(String.init)
          .sorted()
      },
      staysInside: { _ in true }, isLeftOut: { _ in true })
  }
}

extension BundleMaker {
  static func remove(_ path: String) { unlink(path) }
}

/// What is missed in a project that came out of a bundle.
public enum BundleRemains {
  /// The inputs that were left out, by what the manifest at the project's root says; none where there is no manifest.
  public static func leftOut(ofProjectAt root: String) -> Set<String> {
    guard let file = fopen("\(root)/\(BundleManifest.fileName)", "re") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < 256 << 20 {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    guard let json = try? JSON(parsing: bytes), let manifest = BundleManifest(json: json) else { return [] }
    return Set(manifest.leftOut)
  }
}
