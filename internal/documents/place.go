package documents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Keys open a bucket. Without them the machine's own role is asked for, as cloud providers hand it out.
type Keys struct{ ID, Secret, Session string }

// Open understands where new contents go:
//
//	postgres                                    the table documents, as is
//	file:///srv/documents                       a folder, which exists
//	s3://bucket/prefix?endpoint=https://host    a bucket; region=… where it has one, without endpoint Amazon's
func Open(db *sqlx.DB, where string, keys Keys, rules Rules) (*Store, error) {
	s := &Store{DB: db, Rules: rules}
	u, err := url.Parse(where)
	switch {
	case err != nil:
		return nil, errors.New("it is not an address; write postgres, file:///folder or s3://bucket?endpoint=https://host")
	case where == "postgres":
		return s, nil
	case u.Scheme == "file" && u.Host == "" && path.IsAbs(u.Path):
		s.outside, err = openFolder(filepath.FromSlash(u.Path))
	case u.Scheme == "s3" && u.Host != "":
		s.outside, err = openBucket(u, keys)
	default:
		return nil, fmt.Errorf("%q is not understood; write postgres, file:///folder or s3://bucket?endpoint=https://host", where)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// key is where a content lies, in folder and bucket alike, so that one can be copied into the other.
func key(id string) string { return id[:2] + "/" + id }

type folder struct{ root string }

// openFolder does not make the folder: one that is missing is a disk that is not mounted.
func openFolder(root string) (folder, error) {
	info, err := os.Stat(root)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return folder{}, fmt.Errorf("the folder %s cannot be used: %w", root, err)
	}
	return folder{root}, nil
}

func (folder) name() string { return "folder" }

// put writes beside and renames: a content is there whole or not at all, also after the power failed.
func (f folder) put(_ context.Context, d *Document) error {
	file := filepath.Join(f.root, filepath.FromSlash(key(d.ID)))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	beside, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	_, err = beside.Write(d.Content)
	if err == nil {
		err = beside.Sync()
	}
	err = errors.Join(err, beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(beside.Name()))
	}
	return errors.Join(syncFolder(filepath.Dir(file)), syncFolder(f.root))
}

func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f folder) get(_ context.Context, id string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(f.root, filepath.FromSlash(key(id))))
}

type bucket struct {
	client        *minio.Client
	bucket, under string
}

func openBucket(u *url.URL, keys Keys) (bucket, error) {
	q := u.Query()
	endpoint := &url.URL{Scheme: "https", Host: "s3.amazonaws.com"}
	if e := q.Get("endpoint"); e != "" {
		var err error
		if endpoint, err = url.Parse(e); err != nil || endpoint.Host == "" || endpoint.Scheme != "https" && endpoint.Scheme != "http" {
			return bucket{}, fmt.Errorf("the endpoint %q is not an address; write it like https://host:9000", e)
		}
	}
	provider := credentials.NewIAM("")
	if keys.ID != "" {
		provider = credentials.NewStaticV4(keys.ID, keys.Secret, keys.Session)
	}
	client, err := minio.New(endpoint.Host, &minio.Options{Creds: provider, Secure: endpoint.Scheme == "https", Region: q.Get("region"), MaxRetries: 3})
	if err != nil {
		return bucket{}, err
	}
	return bucket{client, u.Host, strings.Trim(u.Path, "/")}, nil
}

func (bucket) name() string { return "s3" }

func (b bucket) key(id string) string { return path.Join(b.under, key(id)) }

func (b bucket) put(ctx context.Context, d *Document) error {
	_, err := b.client.PutObject(ctx, b.bucket, b.key(d.ID), bytes.NewReader(d.Content), d.Size(),
		minio.PutObjectOptions{ContentType: d.MediaType, DisableMultipart: true})
	return err
}

func (b bucket) get(ctx context.Context, id string) (io.ReadCloser, error) {
	object, err := b.client.GetObject(ctx, b.bucket, b.key(id), minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := object.Stat(); err != nil { // only now the server is asked
		if absent(err) {
			err = fs.ErrNotExist
		}
		return nil, errors.Join(err, object.Close())
	}
	return object, nil
}

// absent tells a missing object from a missing bucket, which is a mistake in the setting.
func absent(err error) bool { return minio.ToErrorResponse(err).Code == minio.NoSuchKey }
