package mllibpy.kernel.cluster

import mllibpy.kernel.linear.Examples

/** The rows farthest from their nearest centres, each with its centre's number and its weight
  * behind.
  */
final class Farthest(@transient private val centres: Centres, most: Int) extends Serializable {
  val found = new Drawn(most, centres.features + 2)

  def add(block: Examples): this.type = {
    val search = Search.of(block)
    Search.tiles(block.rows) { (from, n) =>
      search.take(from, n)
      search.find(centres, two = false)
      for (r <- 0 until n if block.weight(from + r) > 0) {
        val row = from + r
        val apart = Distance(search, centres, row, search.which(r))
        if (apart > 0)
          found.offer(
            -apart,
            Points.row(block, row, centres.cosine) ++
              Array(search.which(r).toDouble, block.weight(row))
          )
      }
    }
    this
  }

  def merge(other: Farthest): this.type = {
    found.merge(other.found)
    this
  }
}
