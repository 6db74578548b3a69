package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

import scala.collection.mutable

/** What centres leave: the weighted sum of squared distances from the nearest one (of the cosine
  * distance, of 1 - cos), by differences and not by scores; and, where they are asked for, labels
  * in the rows' order.
  *
  * @param fits
  *   that end with this pass: what they have left beside the blocks goes, where these are
  */
final class FinalSum(
    @transient private val of: Array[Centres],
    labelled: Boolean,
    fits: Seq[Long] = Nil
) extends Serializable {
  val inertia = new Array[Double](of.length)
  val weights: Array[Array[Double]] = of.map(c => new Array[Double](c.k))

  /** Of the first of the centres. */
  val labels: mutable.Buffer[Array[Int]] = mutable.Buffer.empty

  def add(block: Examples): this.type = {
    Beside.forget(block, fits)
    val search = Search.of(block)
    val own = if (labelled) new Array[Int](block.rows) else null
    Search.tiles(block.rows) { (from, n) =>
      search.take(from, n)
      for (s <- of.indices) {
        search.find(of(s), two = false)
        for (r <- 0 until n) see(block, search, s, from + r, search.which(r))
        if (labelled && s == 0) System.arraycopy(search.which, 0, own, from, n)
      }
    }
    if (labelled) labels += own
    this
  }

  private def see(block: Examples, search: Search, s: Int, row: Int, c: Int): Unit = {
    weights(s)(c) += block.weight(row)
    inertia(s) += block.weight(row) * Distance(search, of(s), row, c)
  }

  def merge(other: FinalSum): this.type = {
    AssignSum.add(other.inertia, inertia)
    for (s <- weights.indices) AssignSum.add(other.weights(s), weights(s))
    labels ++= other.labels
    this
  }
}

/** How far a row is from a centre: the squared distance, or 1 - cos, which is half that of the two
  * directions (1 for a row of zeros, which has none).
  */
private[cluster] object Distance {
  def apply(search: Search, centres: Centres, row: Int, c: Int): Double = {
    val (square, at) = (centres.squares(c), c * centres.features)
    if (!centres.cosine) search.squared(row, centres.values, at, square)
    else {
      val length = search.length(row)
      // What rounding leaves of one and the same direction.
      val same = 1024 * search.epsilon * search.epsilon
      val found =
        if (length > 0) search.squared(row, centres.values, at, square, 1 / length) / 2 else 1
      if (found < same) 0 else found
    }
  }
}
