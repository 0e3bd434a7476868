/// Texts as people see them.
enum Golden {
  static let sweep = """

    """
  static let record = """

    """
}
