package mllibpy.api

import mllibpy.engine.InvalidInput
import org.apache.hadoop.fs.Path
import org.apache.spark.sql.DataFrame

import java.util.UUID

/** A DataFrame as a folder of Parquet files, which appears whole or not at all. */
object ParquetFolder {

  /** Refuses what is there already, unless it is such a folder and is to be overwritten. */
  def check(files: Files, uri: String, overwrite: Boolean): Unit = {
    val path = new Path(uri)
    val fs = files.system(path)
    if (fs.exists(path)) {
      InvalidInput.unless(overwrite, s"$uri exists already; pass overwrite=True to replace it")
      // What overwriting deletes is Parquet, not somebody's other data.
      InvalidInput.unless(
        fs.getFileStatus(path).isDirectory && fs.listStatus(path).forall(isOurs),
        s"$uri exists and is not a folder of Parquet files; it is left alone: choose another path"
      )
    }
  }

  private def isOurs(s: org.apache.hadoop.fs.FileStatus): Boolean = {
    val name = s.getPath.getName
    s.isFile && (name.endsWith(".parquet") || name.startsWith("_") || name.startsWith("."))
  }

  def write(files: Files, frame: DataFrame, uri: String, overwrite: Boolean): Unit = {
    check(files, uri, overwrite)
    val path = new Path(uri)
    val fs = files.system(path)
    val temporary = new Path(path.getParent, s".${path.getName}.${UUID.randomUUID}")
    try {
      frame.write.parquet(temporary.toString)
      files.replace(fs, temporary, path)
    } finally if (fs.exists(temporary)) { fs.delete(temporary, true); () }
  }
}
