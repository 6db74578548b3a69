package mllibpy.api

import mllibpy.engine.{DenseTiles, Tile}
import org.apache.spark.SparkContext

/** A matrix from an array file, cut into tiles of about 8 MB. */
object MatrixTiles {
  private final val TileBytes = 8 << 20

  def fromFile(sc: SparkContext, path: String, rows: Long, columns: Int): DenseTiles = {
    val perTile = Math.max(1, TileBytes / (4 * columns))
    val in = new ArrayReader(path)
    try {
      val starts = Iterator.iterate(0L)(_ + perTile).takeWhile(_ < rows).toSeq
      new DenseTiles(
        sc,
        starts.map { from =>
          val n = Math.min(perTile.toLong, rows - from).toInt
          in.seek(from * columns * 4)
          new Tile(from, n, columns, in.floats(n * columns))
        }
      )
    } finally in.close()
  }
}
