package mllibpy.kernel.cluster

/** What passes remember of a block's rows: for each of several starts the centre of a row, how far
  * from it the row is at most, and how far from any other centre at least.
  */
final class RowState(val rows: Int, val starts: Int) {
  val labels: Array[Array[Int]] = Array.fill(starts)(Array.fill(rows)(-1))

  // Made by the first pass that wants bounds.
  private[cluster] val upper = new Array[Array[Float]](starts)
  private[cluster] val lower = new Array[Array[Float]](starts)
  // Lengths of rows, and, of the Euclidean distance, squared distances from the shift.
  private[cluster] var lengths: Array[Double] = _
  private[cluster] var around: Array[Double] = _

  private[cluster] def measure(search: Search, centres: Centres): Unit = if (lengths == null) {
    lengths = Array.tabulate(rows)(search.length)
    if (!centres.cosine) {
      val square = Search.square(centres.shift, 0, centres.features)
      around = Array.tabulate(rows)(search.squared(_, centres.shift, 0, square))
    }
  }
}

private[cluster] object RowStates extends Beside[RowState]
