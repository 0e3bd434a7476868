import RungCore

/// The remote caches that there are.
public enum Remotes {
  /// Gives the remote at an address (`RemoteAddress`); a relative path begins at `folder`. Nothing is connected yet and
  /// nothing is made: the first use finds out what is there.
  ///
  /// `variables` are those of this process; what they may say is in docs/formats/remote.md. Throws `local` where the
  /// address is none, or what it needs is not installed.
  public static func open(
    address text: String, in folder: String = "", variables: [String: String]
  ) throws(RemoteError) -> any RemoteStorage {
    let address = try RemoteAddress(text, in: folder)
    switch address {
    case .folder(let path): return DirectoryRemote(path)
    case .http(let address, let host): return try HTTPRemote(address, host: host, variables: variables)
    case .ssh(let destination, let port, let path):
      return StdioRemote(
        address.description, destination: destination, port: port, path: path, variables: variables)
    case .rclone(let place): return try RcloneRemote(place, variables: variables)
    }
  }
}
