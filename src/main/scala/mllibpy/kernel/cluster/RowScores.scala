package mllibpy.kernel.cluster

/** Nearest centres of single rows, given as entries; for data that pass by row after row. */
final class RowScores(centres: Centres, arithmetic: CentreTiles = CentreTiles.best) {
  private val w = CentreTiles.DoubleWidth
  private val scores = new Array[Double](centres.panels(w) * w)
  private val all = Array.range(0, centres.features)

  private def score(values: Array[Double], columns: Array[Int]): Unit = {
    val of = if (columns == null) all else columns
    for (p <- 0 until centres.panels(w)) {
      val at = p * w * (centres.features + 1)
      arithmetic.sparse(values, of, 0, values.length, centres.doubles, at, scores, p * w)
    }
  }

  /** The nearest centre of a row.
    *
    * @param columns
    *   of its values; null where there is one for each feature
    */
  def nearest(values: Array[Double], columns: Array[Int]): Int = {
    score(values, columns)
    var best = 0
    var c = 1
    while (c < centres.k) {
      if (scores(c) > scores(best)) best = c
      c += 1
    }
    best
  }

  /** Its distances from all: Euclidean, or 1 - cos. */
  def distances(values: Array[Double], columns: Array[Int]): Array[Double] = {
    score(values, columns)
    val length = Math.sqrt(Search.square(values, 0, values.length))
    val row = new Array[Double](centres.features)
    for (i <- values.indices) row(if (columns == null) i else columns(i)) = values(i)
    Array.tabulate(centres.k) { c =>
      if (centres.cosine) if (length > 0) 1 - scores(c) / length else 1
      else Math.sqrt(centres.apart(c, row, 0))
    }
  }
}
