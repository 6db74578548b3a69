package mllibpy.kernel.decomposition

/** Tiles of few columns, `width` numbers to a row. */
private[decomposition] object SmallRows {

  /** Takes `by` from each row; nothing where it is null. */
  def shift(y: Array[Double], n: Int, width: Int, by: Array[Double]): Unit =
    if (by != null) {
      var r = 0
      while (r < n) {
        val at = r * width
        var j = 0
        while (j < width) { y(at + j) -= by(j); j += 1 }
        r += 1
      }
    }

  /** Adds the rows up. */
  def addRows(y: Array[Double], n: Int, width: Int, sums: Array[Double]): Unit = {
    var r = 0
    while (r < n) {
      val at = r * width
      var j = 0
      while (j < width) { sums(j) += y(at + j); j += 1 }
      r += 1
    }
  }

  def add(from: Array[Double], to: Array[Double]): Unit = {
    var i = 0
    while (i < to.length) { to(i) += from(i); i += 1 }
  }
}
