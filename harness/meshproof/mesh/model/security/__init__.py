"""Who may send what to whom: policies that proxies of the mesh carry out."""
