package boltstore

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// networkFS are file systems on which neither locks nor fsync can be trusted.
// The numbers are those of statfs(2): https://man7.org/linux/man-pages/man2/statfs.2.html
var networkFS = map[int64]string{
	0x6969: "NFS", 0x517B: "SMB", 0xFF534D42: "CIFS", 0xFE534D42: "SMB2", 0x5346414F: "AFS", 0x00C36400: "Ceph",
	0x01021997: "9P", 0x0BD00BD0: "Lustre", 0x7461636F: "OCFS2", 0x01161970: "GFS2", 0x564C: "NCP", 0x73757245: "Coda",
}

// refuseNetwork refuses a folder on a network file system.
func refuseNetwork(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	if name, ok := networkFS[int64(st.Type)&0xFFFFFFFF]; ok {
		return fmt.Errorf("%s is on a network file system (%s), where a commit cannot be trusted: use a local disk, or the PostgreSQL store", dir, name)
	}
	return nil
}

// freeBytes is what an unprivileged process may still write.
func freeBytes(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}
